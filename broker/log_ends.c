#include "broker/log_ends.h"

#include "base/clock.h"
#include "broker/access.h"
#include "broker/txn_errors.h"

/* Long enough to find a leader that is not known yet (half a second); what waits beyond it mostly
 * waits for a leader that is gone. Doubled at each try: a slow broker is heard in the end. */
#define FIRST_TRY_MS     1000
#define TRY_MAX_MS       4000
#define PAUSE_MS         100
#define NANOSECONDS_A_MS 1000000

static int64_t now_ms(void) {
    return clock_monotonic_ns() / NANOSECONDS_A_MS;
}

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
                          int64_t until_ms, int64_t *out) {
    for (int try_ms = FIRST_TRY_MS;; try_ms = try_ms < TRY_MAX_MS ? 2 * try_ms : TRY_MAX_MS) {
        rd_kafka_resp_err_t code = ask_once(client, topic, partition, where, try_ms, out);
        if (!code) {
            return failure_none();
        }
        enum failure_action action = consumer_error_action(code);
        if (action != FAILURE_STOP) {
            action = FAILURE_RETRY;
            renew_leaders(client, try_ms);
        }
        if (action == FAILURE_STOP || now_ms() >= until_ms) {
            return failure_make(action, code, "%s [%d]: log end: %s", topic, (int)partition,
                                access_text(code, ACCESS_DESCRIBE));
        }
    }
}

struct failure log_ends_ask(rd_kafka_t *client, const char *topic, int32_t partition, int wait_ms,
                            struct log_span *out) {
    int64_t until_ms = now_ms() + wait_ms;
    struct failure failure =
        ask(client, topic, partition, RD_KAFKA_OFFSET_END, until_ms, &out->high);
    if (!failed(failure)) {
        failure = ask(client, topic, partition, RD_KAFKA_OFFSET_BEGINNING, until_ms, &out->low);
    }
    return failure;
}

struct failure log_ends_ask_high(rd_kafka_t *client, const char *topic, int32_t partition,
                                 int wait_ms, int64_t *out) {
    return ask(client, topic, partition, RD_KAFKA_OFFSET_END, now_ms() + wait_ms, out);
}
