#include "consumer/rooms/decode.h"

#define METRICS_ROW_STRUCT struct decode_metrics
METRICS_TABLE(decode_metrics, DECODE_METRICS)
#undef METRICS_ROW_STRUCT

static const struct config_key keys[] = {
    {.name = "framing",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct decode_config, framing),
     .default_text = "single_object",
     .choices = wire_framing_names,
     .help = "header of messages on clickstream and push-feedback"},
    {.name = "schema_id",
     .type = CONFIG_INT,
     .offset = offsetof(struct decode_config, schema_id),
     .default_text = "0",
     .max = UINT32_MAX,
     .help = "framing confluent: the registry's id of the event schema; 0 accepts any"},
};
const struct config_table decode_config_table = {keys, sizeof keys / sizeof keys[0],
                                                 sizeof(struct decode_config)};

static enum event_verdict verdict_of(struct decode *decode, struct bytes value, struct event *out) {
    struct bytes body;
    if (value.size == 0) {
        return EVENT_EMPTY;
    }
    if (!wire_unframe((enum wire_framing)decode->config->framing, SCHEMA_EVENT,
                      (uint32_t)decode->config->schema_id, value, &body)) {
        return EVENT_BAD_FRAMING;
    }
    event_clear(out, decode->lines);
    return event_decode(body, out);
}

enum event_verdict decode_record(struct decode *decode, struct bytes value, struct event *out) {
    struct decode_metrics *metrics = &decode->metrics;
    struct metric *const counts[EVENT_VERDICT_COUNT] = {
        [EVENT_OK] = &metrics->ok_total,
        [EVENT_EMPTY] = &metrics->empty_total,
        [EVENT_BAD_FRAMING] = &metrics->bad_framing_total,
        [EVENT_TRUNCATED] = &metrics->truncated_total,
        [EVENT_TRAILING_BYTES] = &metrics->trailing_bytes_total,
        [EVENT_BAD_VALUE] = &metrics->bad_value_total,
        [EVENT_TEXT_TOO_LONG] = &metrics->text_too_long_total,
        [EVENT_BAD_UTF8] = &metrics->bad_utf8_total,
        [EVENT_MISSING_FIELD] = &metrics->missing_field_total,
        [EVENT_UNKNOWN_SCHEMA] = &metrics->unknown_schema_total,
        [EVENT_BAD_JSON] = &metrics->bad_json_total,
        [EVENT_TOO_LARGE] = &metrics->too_large_total,
        [EVENT_TOO_DEEP] = &metrics->too_deep_total,
        [EVENT_DUPLICATE_KEY] = &metrics->duplicate_key_total,
        [EVENT_NUMBER_RANGE] = &metrics->number_range_total,
    };
    enum event_verdict verdict = verdict_of(decode, value, out);
    metric_add(counts[verdict], 1);
    return verdict;
}
