/* A mapping of a user's, compiled for each kind of message, and messages through it. A length and
 * the YAML, then one message. */
#include "schemas/avro_plan.h"
#include "schemas/json_event.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static const char *const schema_paths[] = {
    "tests/data/strangers/nested.avsc", "tests/data/strangers/unions.avsc",
    "tests/data/strangers/order_lines_3.avsc", "schemas/event.avsc"};
#define SCHEMAS (sizeof schema_paths / sizeof schema_paths[0])

static void decode_avro(const struct mapping *mapping, struct bytes body) {
    static struct writer_schema *schemas[SCHEMAS];
    static struct event_line lines[EVENT_LINES_MAX];
    static struct mapping_scratch scratch;
    for (size_t i = 0; i < SCHEMAS; i++) {
        struct avro_plan *plan;
        if (!schemas[i]) {
            FUZZ_ASSERT(!failed(writer_schema_parse(fuzz_file(schema_paths[i]), &schemas[i])));
        }
        if (!failed(avro_plan_new(schemas[i], mapping, fuzz_nowhere(), &plan))) {
            struct event event = {.lines = lines};
            if (avro_plan_decode(plan, body, &scratch, &event) == EVENT_OK) {
                fuzz_touch(&event);
            }
            avro_plan_destroy(plan);
        }
    }
}

static void decode_json(const struct mapping *mapping, struct bytes body) {
    static struct event_line lines[EVENT_LINES_MAX];
    static struct mapping_scratch scratch;
    struct json_event *json = json_event_new(mapping);
    struct event event = {.lines = lines};
    if (json_event_decode(json, body, &scratch, &event) == EVENT_OK) {
        fuzz_touch(&event);
    }
    json_event_destroy(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {bytes_of(data, size)};
    struct bytes text = fuzz_piece(&input);
    struct mapping_config config;
    struct config_room room = {"mapping", &mapping_config_table, &config};
    struct config *owned = NULL;
    struct failure failure = config_load_text("fuzz", (const char *)text.data, text.size, &room, 1,
                                              fuzz_nowhere(), &owned);
    struct mapping *mapping = failed(failure) ? NULL : mapping_new(&config, fuzz_nowhere());
    if (mapping) {
        decode_json(mapping, input.left);
        decode_avro(mapping, input.left);
    }
    mapping_destroy(mapping);
    config_destroy(owned);
    free((void *)(uintptr_t)text.data);
    return 0;
}
