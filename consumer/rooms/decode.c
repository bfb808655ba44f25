#include "consumer/rooms/decode.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define METRICS_ROW_STRUCT struct decode_metrics
METRICS_TABLE(decode_metrics, DECODE_METRICS)
#undef METRICS_ROW_STRUCT

static const char *const format_names[] = {"avro", "json", NULL};

static const struct config_key keys[] = {
    {.name = "format",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct decode_config, format),
     .default_text = "avro",
     .choices = format_names,
     .help = "of messages on clickstream; json needs a mapping"},
    {.name = "framing",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct decode_config, framing),
     .default_text = "single_object",
     .choices = wire_framing_names,
     .help = "header of messages on clickstream"},
    {.name = "feedback_framing",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct decode_config, feedback_framing),
     .default_text = "single_object",
     .choices = wire_framing_names,
     .help = "header of messages on push-feedback, which are of our event.avsc"},
    {.name = "schema_id",
     .type = CONFIG_INT,
     .offset = offsetof(struct decode_config, schema_id),
     .default_text = "0",
     .max = UINT32_MAX,
     .help = "framing confluent without a registry: the id that is taken; 0 accepts any"},
    {.name = "schema",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct decode_config, schema),
     .default_text = "",
     .help = "file of the Avro schema that clickstream is written with, where no registry and no "
             "folder has it"},
};
const struct config_table decode_config_table = {keys, sizeof keys / sizeof keys[0],
                                                 sizeof(struct decode_config)};

/* ---- life ---- */

void decode_init(struct decode *decode, const struct decode_config *config,
                 const struct decode_sources *sources) {
    decode->config = config;
    decode->sources = sources ? *sources : (struct decode_sources){0};
    decode->metrics = (struct decode_metrics){0};
    sources = &decode->sources;
    const struct mapping *own = sources->registry ? sources->own : NULL;
    decode->inputs[false] = (struct decode_input){
        .framing = (enum wire_framing)config->framing,
        .mapping = sources->mapping  ? sources->mapping
                   : sources->schema ? sources->own
                                     : own,
        .schema = sources->schema,
        .is_native_known = !sources->mapping,
    };
    decode->inputs[true] = (struct decode_input){
        .framing = (enum wire_framing)config->feedback_framing,
        .mapping = config->feedback_framing == WIRE_BARE ? NULL : own,
        .is_native_known = true,
    };
    for (size_t i = 0; i < DECODE_PLACES; i++) {
        decode->places[i].json =
            config->format == FORMAT_JSON ? json_event_new(sources->mapping) : NULL;
    }
    decode->retired_count = 0;
}

static void drop_retired(struct decode *decode) {
    while (decode->retired_count > 0) {
        avro_plan_destroy(decode->retired[--decode->retired_count]);
    }
}

void decode_clean_up(struct decode *decode) {
    for (int i = 0; i < 2; i++) {
        for (size_t p = 0; p < decode->inputs[i].plan_count; p++) {
            avro_plan_destroy(decode->inputs[i].plans[p].plan);
        }
        decode->inputs[i].plan_count = 0;
    }
    drop_retired(decode);
    for (size_t i = 0; i < DECODE_PLACES; i++) {
        json_event_destroy(decode->places[i].json);
        decode->places[i].json = NULL;
    }
}

/* ---- which schema wrote it ---- */

/* Strips the header; *out_id is the schema id or fingerprint that it names. */
static bool split(enum wire_framing framing, struct bytes value, uint64_t *out_id,
                  struct bytes *out_body) {
    size_t size = framing == WIRE_CONFLUENT ? 5 : framing == WIRE_SINGLE_OBJECT ? 10 : 0;
    if (value.size < size || (framing == WIRE_CONFLUENT && value.data[0] != 0) ||
        (framing == WIRE_SINGLE_OBJECT && (value.data[0] != 0xc3 || value.data[1] != 0x01))) {
        return false;
    }
    uint64_t id = 0;
    for (size_t i = 1; framing == WIRE_CONFLUENT && i < size; i++) {
        id = id << 8 | value.data[i];
    }
    for (size_t i = size; framing == WIRE_SINGLE_OBJECT && i > 2; i--) {
        id = id << 8 | value.data[i - 1];
    }
    *out_id = id;
    *out_body = size > 0 ? bytes_of(value.data + size, value.size - size) : value;
    return true;
}

static enum registry_answer find_schema(struct decode *decode, const struct decode_input *input,
                                        uint64_t id, const struct writer_schema **out) {
    struct decode_sources *sources = &decode->sources;
    bool is_given =
        input->schema &&
        (input->framing == WIRE_BARE ||
         (input->framing == WIRE_SINGLE_OBJECT && id == sources->schema_fingerprint) ||
         (input->framing == WIRE_CONFLUENT && !sources->registry &&
          (decode->config->schema_id == 0 || id == (uint64_t)decode->config->schema_id)));
    if (is_given) {
        *out = input->schema;
        return REGISTRY_FOUND;
    }
    if (!sources->registry || input->framing == WIRE_BARE) {
        return REGISTRY_UNKNOWN;
    }
    return input->framing == WIRE_CONFLUENT ? registry_find(sources->registry, (uint32_t)id, out)
                                            : registry_find_fingerprint(sources->registry, id, out);
}

/* What the mapping makes of a schema is said once: fields that it looks for in vain, or that it
 * does not fit at all. */
static struct avro_plan *compile(struct decode *decode, const struct decode_input *input,
                                 const struct writer_schema *schema, uint64_t id) {
    struct avro_plan *plan = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *warnings = open_memstream(&text, &size);
    if (!warnings) {
        abort(); /* out of memory, as in memory_new */
    }
    struct failure failure = avro_plan_new(schema, input->mapping, warnings, &plan);
    fclose(warnings);
    if (decode->sources.log && failed(failure)) {
        log_error(decode->sources.log, "decode", "schema %llx is not read: %s",
                  (unsigned long long)id, failure.text);
    }
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line && decode->sources.log;
         line = strsep(&rest, "\n")) {
        if (*line && input->mapping == decode->sources.mapping) {
            log_warn(decode->sources.log, "decode", "schema %llx: %s", (unsigned long long)id,
                     line);
        }
    }
    free(text);
    return plan;
}

static struct decode_plan *keep_plan(struct decode *decode, struct decode_input *input,
                                     struct decode_plan plan) {
    size_t at = input->plan_next;
    input->plan_next = (at + 1) % DECODE_PLANS_MAX;
    if (input->plan_count < DECODE_PLANS_MAX) {
        input->plan_count++;
        metric_add(&decode->metrics.schemas, 1);
    } else {
        decode->retired[decode->retired_count++] = input->plans[at].plan;
    }
    input->plans[at] = plan;
    input->plan_last = at;
    return &input->plans[at];
}

static enum registry_answer find_plan(struct decode *decode, struct decode_input *input,
                                      uint64_t id, struct decode_plan **out) {
    if (input->plan_count > 0 && input->plans[input->plan_last].id == id) {
        *out = &input->plans[input->plan_last];
        return REGISTRY_FOUND;
    }
    for (size_t i = 0; i < input->plan_count; i++) {
        if (input->plans[i].id == id) {
            input->plan_last = i;
            *out = &input->plans[i];
            return REGISTRY_FOUND;
        }
    }
    const struct writer_schema *schema;
    enum registry_answer answer = find_schema(decode, input, id, &schema);
    if (answer == REGISTRY_FOUND) {
        *out =
            keep_plan(decode, input,
                      (struct decode_plan){.id = id, .plan = compile(decode, input, schema, id)});
    }
    return answer;
}

/* Written with the very schema that this binary carries? */
static bool is_native(const struct decode_input *input, uint64_t id) {
    return !input->mapping || (input->is_native_known && input->framing == WIRE_SINGLE_OBJECT &&
                               id == schema_fingerprint(SCHEMA_EVENT));
}

bool decode_asks_registry(const struct decode *decode) {
    return decode->sources.registry &&
           (decode->config->format != FORMAT_JSON || decode->inputs[true].mapping);
}

bool decode_is_ready(struct decode *decode, bool is_feedback, struct bytes value) {
    drop_retired(decode);
    struct decode_input *input = &decode->inputs[is_feedback];
    struct decode_plan *plan;
    struct bytes body;
    uint64_t id;
    if (!split(input->framing, value, &id, &body) || is_native(input, id) ||
        (decode->config->format == FORMAT_JSON && !is_feedback)) {
        return true;
    }
    return find_plan(decode, input, id, &plan) != REGISTRY_WAIT;
}

/* ---- the record ---- */

static enum event_verdict decode_native(const struct decode *decode,
                                        const struct decode_input *input, struct bytes value,
                                        struct event_line *lines, struct event *out) {
    struct bytes body;
    if (!wire_unframe(input->framing, SCHEMA_EVENT, (uint32_t)decode->config->schema_id, value,
                      &body)) {
        return EVENT_BAD_FRAMING;
    }
    out->lines = lines;
    return event_decode(body, out);
}

static enum event_verdict verdict_of(struct decode *decode, struct decode_place *place,
                                     bool is_feedback, struct bytes value, struct event *out) {
    struct decode_input *input = &decode->inputs[is_feedback];
    struct decode_plan *plan;
    struct bytes body;
    uint64_t id;
    if (value.size == 0) {
        return EVENT_EMPTY;
    }
    if (!split(input->framing, value, &id, &body)) {
        return EVENT_BAD_FRAMING;
    }
    out->lines = place->lines;
    if (place->json && !is_feedback) {
        return json_event_decode(place->json, body, &place->scratch, out);
    }
    if (is_native(input, id)) {
        return decode_native(decode, input, value, place->lines, out);
    }
    if (find_plan(decode, input, id, &plan) != REGISTRY_FOUND) {
        return decode->sources.registry ? EVENT_UNKNOWN_SCHEMA : EVENT_BAD_FRAMING;
    }
    return plan->plan ? avro_plan_decode(plan->plan, body, &place->scratch, out)
                      : EVENT_UNKNOWN_SCHEMA;
}

enum event_verdict decode_record(struct decode *decode, size_t place, bool is_feedback,
                                 struct bytes value, struct event *out) {
    struct decode_metrics *metrics = &decode->metrics;
    assert(place < DECODE_PLACES);
    if (place == 0) {
        drop_retired(decode);
    }
    enum event_verdict verdict =
        verdict_of(decode, &decode->places[place], is_feedback, value, out);
    if (verdict == EVENT_OK) {
        metric_add(&metrics->ok_total, 1);
        return verdict;
    }
    struct metric *const counts[EVENT_VERDICT_COUNT] = {
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
    metric_add(counts[verdict], 1);
    return verdict;
}
