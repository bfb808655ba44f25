#include "broker/log_ends.h"

#include "base/clock.h"
#include "broker/access.h"
#include "broker/txn_errors.h"

/* Long enough to find a leader that is not known yet (half a second); what waits beyond it mostly
 * waits for a leader that is gone. Doubled at each try: a slow broker is heard in the end. */
#define FIRST_TRY_MS 1000
#define TRY_MAX_MS   4000
#define PAUSE_MS     100

/* where: RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END, which are the protocol's timestamps. */
static rd_kafka_resp_err_t ask_once(rd_kafka_t *client, const char *topic, int32_t partition,
                                    int64_t where, int try_ms, int64_t *out) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = where;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, list, try_ms);
    code = code ? code : list->elems[0].err;
    *out = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* A client goes on asking the leader it knows. All topics: theirs is the only answer that is kept
 * without a handle of the topic. */
static void renew_leaders(rd_kafka_t *client, int try_ms) {
    const struct rd_kafka_metadata *metadata;
    if (!rd_kafka_metadata(client, 1, NULL, &metadata, try_ms)) {
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_poll(client, PAUSE_MS); /* reasons why nobody answers */
}

static struct failure ask(rd_kafka_t *client, const char *topic, int32_t partition, int64_t where,
                          int wait_ms, int64_t *out) {
    int64_t begun_ms = clock_monotonic_ms();
    for (int try_ms = FIRST_TRY_MS;; try_ms = try_ms < TRY_MAX_MS ? 2 * try_ms : TRY_MAX_MS) {
        rd_kafka_resp_err_t code = ask_once(client, topic, partition, where, try_ms, out);
        if (!code) {
            return failure_none();
        }
        bool is_new = consumer_error_is_unknown_topic(code);
        bool is_final = !is_new && consumer_error_action(code) == FAILURE_STOP;
        if (!is_final) {
            renew_leaders(client, try_ms);
        }
        if (clock_monotonic_ms() - begun_ms >= (is_final ? 0
                                                : is_new ? UNKNOWN_TOPIC_MS
                                                         : wait_ms)) {
            return failure_make(is_final || is_new ? FAILURE_STOP : FAILURE_RETRY, code,
                                "%s [%d]: log end: %s", topic, (int)partition,
                                access_text(code, ACCESS_DESCRIBE));
        }
    }
}

struct failure log_ends_ask(rd_kafka_t *client, const char *topic, int32_t partition, int wait_ms,
                            struct log_span *out) {
    struct failure failure =
        ask(client, topic, partition, RD_KAFKA_OFFSET_END, wait_ms, &out->high);
    if (!failed(failure)) {
        failure = ask(client, topic, partition, RD_KAFKA_OFFSET_BEGINNING, wait_ms, &out->low);
    }
    return failure;
}

struct failure log_ends_ask_high(rd_kafka_t *client, const char *topic, int32_t partition,
                                 int wait_ms, int64_t *out) {
    return ask(client, topic, partition, RD_KAFKA_OFFSET_END, wait_ms, out);
}
