/* A shop's own files, for `validate --sample` and `mapping suggest`: JSON lines checked against a
 * mapping, and a mapping drafted from them. */
#include "consumer/commands/sample_check.h"
#include "consumer/commands/sample_file.h"
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

static void add_to_shape(void *context, struct bytes line) {
    (void)shape_add_json(context, line);
}

static void check_sample(const char *path) {
    static struct pipeline_config config;
    static struct decode_sources sources;
    if (!sources.mapping) {
        FUZZ_ASSERT(!failed(pipeline_config_load_text("fuzz", "", 0, stderr, &config)));
        sources.mapping = fuzz_mapping("tests/data/strangers/json.yaml");
    }
    struct sample_check check;
    struct findings findings = {0};
    struct buffer json = {0};
    sample_check_init(&check, &config, &sources, SAMPLE_JSON_LINES, "fuzz");
    FUZZ_ASSERT(!failed(sample_file_lines(path, 1000, sample_check_add_line, &check)));
    sample_check_findings(&check, false, true, &findings);
    sample_check_write_json(&check, &json);
    json_t *parsed = json_loadb((const char *)json.data, json.size, 0, NULL);
    FUZZ_ASSERT(parsed);
    json_decref(parsed);
    buffer_clean_up(&json);
    findings_clean_up(&findings);
    sample_check_clean_up(&check);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct shape shape = {0};
    struct buffer whole = {0};
    const char *path = fuzz_path(bytes_of(data, size));
    check_sample(path);
    FUZZ_ASSERT(!failed(sample_file_lines(path, 1000, add_to_shape, &shape)));
    fuzz_check_draft(&shape);
    shape_clean_up(&shape);
    FUZZ_ASSERT(failed(sample_file_read(path, 1000, &whole)) == (size > 1000));
    buffer_clean_up(&whole);
    return 0;
}
