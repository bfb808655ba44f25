/* A JSON message through a mapping. */
#include "schemas/json_event.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct json_event *json;
    static struct event_line lines[EVENT_LINES_MAX];
    static struct mapping_scratch scratch;
    if (!json) {
        json = json_event_new(fuzz_mapping("tests/data/strangers/json.yaml"));
    }
    struct event event = {.lines = lines};
    if (json_event_decode(json, bytes_of(data, size), &scratch, &event) == EVENT_OK) {
        fuzz_touch(&event);
    }
    return 0;
}
