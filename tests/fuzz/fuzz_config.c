/* pipeline.yaml, mapping and presets included. */
#include <stdio.h>

#include "consumer/pipeline_config.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static FILE *nowhere;
    nowhere = nowhere ? nowhere : fopen("/dev/null", "w");
    struct pipeline_config config;
    struct failure failure =
        pipeline_config_load_text("fuzz", (const char *)data, size, nowhere, &config);
    if (!failed(failure)) {
        struct mapping *mapping = mapping_new(&config.mapping, nowhere);
        mapping_destroy(mapping);
    }
    pipeline_config_clean_up(&config);
    return 0;
}
