/* A stranger's schema and message through a mapping: two bytes say how long the schema is. */
#include "tests/fuzz/fuzz.h"

#include "schemas/avro_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct mapping *mappings[3];
    static struct event_line lines[EVENT_LINES_MAX];
    static struct mapping_scratch scratch;
    if (!mappings[0]) {
        mappings[0] = fuzz_mapping("tests/data/strangers/nested.yaml");
        mappings[1] = fuzz_mapping("tests/data/strangers/unions.yaml");
        mappings[2] = fuzz_mapping("tests/data/strangers/order_lines.yaml");
    }
    if (size < 3) {
        return 0;
    }
    size_t schema_size = (size_t)(data[0] | data[1] << 8);
    const struct mapping *mapping = mappings[data[2] % 3];
    data += 3;
    size -= 3;
    schema_size = schema_size < size ? schema_size : size;
    struct writer_schema *schema;
    struct avro_plan *plan;
    if (failed(writer_schema_parse(bytes_of(data, schema_size), &schema))) {
        return 0;
    }
    if (!failed(avro_plan_new(schema, mapping, NULL, &plan))) {
        struct event event = {.lines = lines};
        struct bytes body = bytes_of(data + schema_size, size - schema_size);
        if (avro_plan_decode(plan, body, &scratch, &event) == EVENT_OK) {
            fuzz_touch(&event);
        }
        avro_plan_destroy(plan);
    }
    writer_schema_destroy(schema);
    return 0;
}
