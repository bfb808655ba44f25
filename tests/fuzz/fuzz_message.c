/* A message of one of the strangers' schemas, which are fixed: the first byte says which. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "schemas/avro_plan.h"

static struct avro_plan *plan_of(const char *schema_path, const char *mapping_path) {
    struct writer_schema *schema;
    struct avro_plan *plan;
    FUZZ_ASSERT(!failed(writer_schema_parse(fuzz_file(schema_path), &schema)));
    FUZZ_ASSERT(!failed(avro_plan_new(schema, fuzz_mapping(mapping_path), NULL, &plan)));
    writer_schema_destroy(schema);
    return plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct avro_plan *plans[3];
    static struct event_line lines[EVENT_LINES_MAX];
    static struct mapping_scratch scratch;
    if (!plans[0]) {
#define OF(name) "tests/data/strangers/" name
        plans[0] = plan_of(OF("nested.avsc"), OF("nested.yaml"));
        plans[1] = plan_of(OF("unions.avsc"), OF("unions.yaml"));
        plans[2] = plan_of(OF("order_lines_3.avsc"), OF("order_lines.yaml"));
    }
    if (size == 0) {
        return 0;
    }
    struct event event = {.lines = lines};
    struct bytes body = bytes_of(data + 1, size - 1);
    if (avro_plan_decode(plans[data[0] % 3], body, &scratch, &event) == EVENT_OK) {
        fuzz_touch(&event);
    }
    return 0;
}
