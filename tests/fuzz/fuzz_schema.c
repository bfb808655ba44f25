/* A schema alone, and what is drawn from it: canonical form, fingerprint, shape, a drafted mapping,
 * and messages as JSON. Two bytes of length, the schema's text, then one message. */
#include "schemas/avro_json.h"
#include "schemas/canonical.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* The canonical form is its own canonical form, and as good a schema as the text was. */
static void check_canonical(struct bytes text, const struct writer_schema *schema) {
    struct buffer once = {0}, twice = {0};
    bool is_canonical = canonical_schema(text, &once);
    if (schema) {
        FUZZ_ASSERT(is_canonical);
    }
    if (is_canonical) {
        FUZZ_ASSERT(canonical_schema(buffer_bytes(&once), &twice));
        FUZZ_ASSERT(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
        (void)canonical_fingerprint(buffer_bytes(&once));
    }
    buffer_clean_up(&once);
    buffer_clean_up(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {bytes_of(data, size)};
    struct bytes text = fuzz_piece(&input);
    struct writer_schema *schema;
    struct failure failure = writer_schema_parse(text, &schema);
    FUZZ_ASSERT(failed(failure) == !schema);
    check_canonical(text, schema);
    if (schema) {
        struct shape shape = {0};
        shape_add_schema(&shape, schema);
        bool is_message = shape_add_avro(&shape, schema, input.left);
        json_t *json = avro_to_json(schema, input.left);
        FUZZ_ASSERT(!is_message || json);
        json_decref(json);
        fuzz_check_draft(&shape);
        shape_clean_up(&shape);
        writer_schema_destroy(schema);
    }
    free((void *)(uintptr_t)text.data);
    return 0;
}
