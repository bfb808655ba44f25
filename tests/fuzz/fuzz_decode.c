/* Framings, formats and schema ids: records of both inputs through the decode room, whose plans are
 * kept from record to record. The first byte says how the topic is configured; then records: a byte
 * of flags, a length, the bytes. */
#include "consumer/pipeline_config.h"
#include "consumer/sources.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

enum { IS_FEEDBACK = 1, STARTS_GROUP = 2, IS_NULL = 4 };

static const struct {
    const char *settings, *mapping; /* of the section decode; a file with the section mapping */
} modes[] = {
    {"", NULL},
    {"framing: confluent, feedback_framing: confluent", NULL},
    {"framing: confluent, schema_id: 7", NULL},
    {"framing: bare, feedback_framing: bare", NULL},
    {"framing: confluent, schema: " FUZZ_ROOT "/tests/data/strangers/unions.avsc", "unions"},
    {"framing: bare, schema: " FUZZ_ROOT "/tests/data/strangers/nested.avsc", "nested"},
    {"framing: single_object, schema: " FUZZ_ROOT "/tests/data/strangers/order_lines_2.avsc",
     "order_lines"},
    {"format: json, framing: bare", "json"},
    {"format: json, framing: confluent", "json"},
    {"framing: confluent, schema: " FUZZ_ROOT "/schemas/event.avsc",
     NULL}, /* our own, through a plan */
};
#define MODES (sizeof modes / sizeof modes[0])

static struct sources sources[MODES];
static struct pipeline_config configs[MODES];

static void open_mode(size_t mode) {
    struct buffer text = {0};
    buffer_format(&text, "decode: {%s}\n", modes[mode].settings);
    if (modes[mode].mapping) {
        char path[64];
        (void)snprintf(path, sizeof path, "tests/data/strangers/%s.yaml", modes[mode].mapping);
        struct bytes mapping = fuzz_file(path);
        buffer_append(&text, mapping);
    }
    struct pipeline_config *config = &configs[mode];
    FUZZ_ASSERT(!failed(
        pipeline_config_load_text("fuzz", (const char *)text.data, text.size, stderr, config)));
    buffer_clean_up(&text);
    FUZZ_ASSERT(!failed(sources_open(config, NULL, &sources[mode])));
}

static void run_records(struct decode *decode, struct fuzz_input *input) {
    struct bytes held[DECODE_PLACES] = {{0}};
    struct event events[DECODE_PLACES];
    bool are_events[DECODE_PLACES] = {0};
    size_t place = 0;
    while (input->left.size > 0) {
        unsigned flags = (unsigned)fuzz_number(input, 1);
        struct bytes piece = fuzz_piece(input);
        if (flags & STARTS_GROUP || place == DECODE_PLACES) {
            place = 0;
        }
        for (size_t i = place; i < DECODE_PLACES; i++) {
            free((void *)(uintptr_t)held[i].data);
            held[i] = bytes_of(NULL, 0);
            are_events[i] = false;
        }
        held[place] = piece;
        bool is_feedback = flags & IS_FEEDBACK;
        struct bytes value = flags & IS_NULL ? bytes_of(NULL, 0) : piece;
        if (place == 0) {
            (void)decode_is_ready(decode, is_feedback, value);
        }
        are_events[place] =
            decode_record(decode, place, is_feedback, value, &events[place]) == EVENT_OK;
        place++;
        for (size_t i = 0; i < place; i++) { /* of the whole group, whose texts last together */
            if (are_events[i]) {
                fuzz_touch(&events[i]);
            }
        }
    }
    for (size_t i = 0; i < DECODE_PLACES; i++) {
        free((void *)(uintptr_t)held[i].data);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct decode decode;
    static bool is_open;
    if (!is_open) {
        schemas_init();
        for (size_t mode = 0; mode < MODES; mode++) {
            open_mode(mode);
        }
        is_open = true;
    }
    struct fuzz_input input = {bytes_of(data, size)};
    size_t mode = fuzz_number(&input, 1) % MODES;
    decode_init(&decode, &configs[mode].decode, &sources[mode].decode);
    run_records(&decode, &input);
    decode_clean_up(&decode);
    return 0;
}
