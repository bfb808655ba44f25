/* An event of our own schema: the fast way and the plan say the same. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "schemas/event_fast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct event_line lines[2][EVENT_LINES_MAX];
    struct event fast = {.lines = lines[0]}, plain = {.lines = lines[1]};
    struct buffer encoded[2] = {{0}};
    if (size == 0) {
        return 0;
    }
    struct bytes body = bytes_of(data, size);
    enum event_verdict verdict = event_decode_plain(body, &plain);
    bool is_fast = event_decode_fast(body, &fast);
    FUZZ_ASSERT(!is_fast || verdict == EVENT_OK);
    if (verdict == EVENT_OK) {
        fuzz_touch(&plain);
        event_encode(&plain, &encoded[0]);
    }
    if (is_fast) {
        fuzz_touch(&fast);
        event_encode(&fast, &encoded[1]);
        FUZZ_ASSERT(bytes_equal(buffer_bytes(&encoded[0]), buffer_bytes(&encoded[1])));
    }
    buffer_clean_up(&encoded[0]);
    buffer_clean_up(&encoded[1]);
    return 0;
}
