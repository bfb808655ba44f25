#include "consumer/rooms/clean.h"

#include <assert.h>

#include "schemas/wire.h"

#define TIME_FIRST_MS 631152000000  /* 1990-01-01 */
#define TIME_LAST_MS  7258118400000 /* 2200-01-01 */

#define METRICS_ROW_STRUCT struct clean_metrics
METRICS_TABLE(clean_metrics, CLEAN_METRICS)
#undef METRICS_ROW_STRUCT

static const struct config_key keys[] = {
    {.name = "lateness",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct clean_config, lateness_ms),
     .default_text = "5s",
     .max = 86400000,
     .help = "watermark = largest event time minus this; events behind it are late"},
    {.name = "max_skew",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct clean_config, max_skew_ms),
     .default_text = "5m",
     .max = 86400000,
     .help = "an event further than this ahead of its record timestamp is in the future and is "
             "refused"},
    {.name = "price_max",
     .type = CONFIG_NUMBER,
     .offset = offsetof(struct clean_config, price_max),
     .default_text = "100000",
     .min = 1,
     .max = 1e9,
     .help = "prices above this, in the event's currency, are absurd and are clipped to it"},
    {.name = "bot_user_agents",
     .type = CONFIG_TEXT_LIST,
     .offset = offsetof(struct clean_config, bot_user_agents),
     .help = "pieces of user agents (any case) that name a bot"},
};
const struct config_table clean_config_table = {keys, sizeof keys / sizeof keys[0],
                                                sizeof(struct clean_config)};

const char *clean_verdict_name(enum clean_verdict verdict) {
#define NAME(id, name, help) name,
    static const char *const names[] = {CLEAN_VERDICTS(NAME)};
#undef NAME
    assert(verdict < CLEAN_VERDICT_COUNT);
    return names[verdict];
}

/* A price that cannot be one is missing; one that is absurd is clipped, so that a typo does not own
 * the means. */
static double clean_price(struct clean *clean, double price) {
    if (!(price >= 0)) {
        return NAN;
    }
    if (price > clean->config->price_max) {
        metric_add(&clean->metrics.prices_clipped_total, 1);
        return clean->config->price_max;
    }
    return price;
}

enum clean_verdict clean_event(struct clean *clean, struct event *event, struct bytes key,
                               int64_t timestamp_ms, bool is_feedback) {
    if (event->user_id.size == 0 && wire_is_utf8(key)) {
        event->user_id = key;
    }
    if (event->user_id.size == 0 || event->user_id.size > EVENT_USER_BYTES_MAX) {
        return CLEAN_MISSING_USER;
    }
    if (key.size > 0 && !bytes_equal(key, event->user_id)) {
        metric_add(&clean->metrics.key_mismatch_total, 1);
    }
    if (event->event_ms < TIME_FIRST_MS || event->event_ms > TIME_LAST_MS) {
        return CLEAN_BAD_TIME;
    }
    /* The event's time has bounds by now; a record's timestamp may be anything. */
    if (timestamp_ms >= 0 && event->event_ms - clean->config->max_skew_ms > timestamp_ms) {
        return CLEAN_FUTURE;
    }
    bool is_feedback_type = event->type == EVENT_PUSH_DELIVERED ||
                            event->type == EVENT_PUSH_OPENED || event->type == EVENT_PUSH_DISMISSED;
    if (is_feedback_type != is_feedback) {
        return CLEAN_NOT_FEEDBACK;
    }
    event->total = clean_price(clean, event->total);
    for (size_t i = 0; i < event->line_count; i++) {
        struct event_line *line = &event->lines[i];
        line->price = clean_price(clean, line->price);
        line->quantity = line->quantity < 1 ? 1 : line->quantity;
    }
    return CLEAN_OK;
}

static void to_lower(const uint8_t *text, size_t size, uint8_t *out) {
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(text[i] - 'A') < 26 ? (uint8_t)(text[i] + 'a' - 'A') : text[i];
    }
}

bool clean_is_bot_agent(const struct clean *clean, struct bytes user_agent) {
    const struct config_text_list *list = &clean->config->bot_user_agents;
    uint8_t agent[EVENT_TEXT_BYTES_MAX], piece[EVENT_TEXT_BYTES_MAX];
    size_t agent_size = user_agent.size < sizeof agent ? user_agent.size : sizeof agent;
    to_lower(user_agent.data, agent_size, agent);
    for (size_t i = 0; i < list->count && agent_size > 0; i++) {
        size_t size = strlen(list->items[i]);
        if (size > 0 && size <= agent_size) {
            to_lower((const uint8_t *)list->items[i], size, piece);
            if (memmem(agent, agent_size, piece, size)) {
                return true;
            }
        }
    }
    return false;
}

void clean_count(struct clean *clean, enum clean_verdict verdict) {
    struct clean_metrics *metrics = &clean->metrics;
    if (verdict <= CLEAN_LATE) {
        metric_add(&metrics->applied_total, 1);
        metric_add(&metrics->late_total, verdict == CLEAN_LATE);
        return;
    }
    struct metric *const refused[CLEAN_VERDICT_COUNT] = {
        [CLEAN_MISSING_USER] = &metrics->missing_user_total,
        [CLEAN_FUTURE] = &metrics->future_total,
        [CLEAN_BAD_TIME] = &metrics->bad_time_total,
        [CLEAN_WRONG_PARTITION] = &metrics->wrong_partition_total,
        [CLEAN_NOT_FEEDBACK] = &metrics->not_feedback_total,
    };
    if (verdict == CLEAN_DUPLICATE) {
        metric_add(&metrics->duplicates_total, 1);
    } else {
        metric_add(refused[verdict], 1);
        metric_add(&metrics->refused_total, 1);
    }
}
