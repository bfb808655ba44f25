#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/config.h"
#include "schemas/suggest.h"

_Noreturn void fuzz_fail(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

void fuzz_touch_bytes(struct bytes text) {
    static volatile unsigned sum;
    for (size_t i = 0; i < text.size; i++) {
        sum += text.data[i];
    }
}

void fuzz_touch(const struct event *event) {
    const struct bytes *texts[] = {
        &event->user_id,  &event->event_id,   &event->subject_key_id, &event->canonical_id,
        &event->guest_id, &event->session_id, &event->order_id,       &event->coupon,
        &event->currency, &event->timezone,   &event->locale,         &event->place,
        &event->device,   &event->user_agent, &event->decision_id,    &event->query};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fuzz_touch_bytes(*texts[i]);
    }
    FUZZ_ASSERT((unsigned)event->type < EVENT_TYPE_COUNT);
    FUZZ_ASSERT(event->line_count <= EVENT_LINES_MAX);
    for (size_t i = 0; i < event->line_count; i++) {
        fuzz_touch_bytes(event->lines[i].item_id);
        fuzz_touch_bytes(event->lines[i].category);
        fuzz_touch_bytes(event->lines[i].brand);
    }
}

void *fuzz_keep(void *memory) {
    static void *kept[64]; /* reachable to the end */
    static size_t count;
    FUZZ_ASSERT(count < sizeof kept / sizeof kept[0]);
    return kept[count++] = memory;
}

struct bytes fuzz_file(const char *path) {
    char whole[512];
    (void)snprintf(whole, sizeof whole, "%s/%s", FUZZ_ROOT, path);
    FILE *file = fopen(whole, "r");
    FUZZ_ASSERT(file);
    FUZZ_ASSERT(fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    FUZZ_ASSERT(size >= 0);
    rewind(file);
    uint8_t *data = fuzz_keep(memory_new((size_t)size + 1, 1));
    FUZZ_ASSERT(fread(data, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    return bytes_of(data, (size_t)size);
}

const struct mapping *fuzz_mapping(const char *path) {
    struct mapping_config *config = fuzz_keep(memory_new(1, sizeof *config));
    struct config_room room = {"mapping", &mapping_config_table, config};
    struct bytes text = fuzz_file(path);
    struct config *owned; /* the texts of *config */
    struct failure failure =
        config_load_text(path, (const char *)text.data, text.size, &room, 1, stderr, &owned);
    FUZZ_ASSERT(!failed(failure));
    (void)fuzz_keep(owned);
    const struct mapping *mapping = mapping_new(config, stderr);
    FUZZ_ASSERT(mapping);
    return mapping;
}

void fuzz_check_draft(const struct shape *shape) {
    struct buffer draft = {0};
    if (suggest_write(shape, "what is fuzzed", &draft)) {
        struct mapping_config config;
        struct config_room room = {"mapping", &mapping_config_table, &config};
        struct config *owned;
        FUZZ_ASSERT(!failed(config_load_text("draft", (const char *)draft.data, draft.size, &room,
                                             1, stderr, &owned)));
        struct mapping *mapping = mapping_new(&config, stderr);
        FUZZ_ASSERT(mapping);
        mapping_destroy(mapping);
        config_destroy(owned);
    }
    buffer_clean_up(&draft);
}

const char *fuzz_path(struct bytes content) {
    static int file = -1;
    static char path[64];
    if (file < 0) {
        file = memfd_create("fuzz", 0);
        FUZZ_ASSERT(file >= 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    FUZZ_ASSERT(ftruncate(file, 0) == 0);
    FUZZ_ASSERT(pwrite(file, content.data, content.size, 0) == (ssize_t)content.size);
    return path;
}

FILE *fuzz_nowhere(void) {
    static FILE *nowhere;
    nowhere = nowhere ? nowhere : fopen("/dev/null", "w");
    FUZZ_ASSERT(nowhere);
    return nowhere;
}

uint64_t fuzz_number(struct fuzz_input *input, size_t size) {
    uint64_t number = 0;
    for (size_t i = 0; i < size && input->left.size > 0; i++) {
        number |= (uint64_t)*input->left.data << 8 * i;
        input->left = bytes_of(input->left.data + 1, input->left.size - 1);
    }
    return number;
}

struct bytes fuzz_piece(struct fuzz_input *input) {
    size_t size = (size_t)fuzz_number(input, 2);
    size = size < input->left.size ? size : input->left.size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    FUZZ_ASSERT(data);
    memcpy(data, input->left.data, size);
    input->left = bytes_of(input->left.data + size, input->left.size - size);
    return bytes_of(data, size);
}
