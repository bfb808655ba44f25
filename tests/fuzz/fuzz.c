#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/config.h"

_Noreturn void fuzz_fail(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

static void touch(struct bytes text) {
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
        touch(*texts[i]);
    }
    FUZZ_ASSERT((unsigned)event->type < EVENT_TYPE_COUNT);
    FUZZ_ASSERT(event->line_count <= EVENT_LINES_MAX);
    for (size_t i = 0; i < event->line_count; i++) {
        touch(event->lines[i].item_id);
        touch(event->lines[i].category);
        touch(event->lines[i].brand);
    }
}

/* What lives as long as the process is reachable to its end: it is no leak. */
static void *keep(void *memory) {
    static void *kept[64];
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
    uint8_t *data = keep(memory_new((size_t)size + 1, 1));
    FUZZ_ASSERT(fread(data, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    return bytes_of(data, (size_t)size);
}

const struct mapping *fuzz_mapping(const char *path) {
    struct mapping_config *config = keep(memory_new(1, sizeof *config));
    struct config_room room = {"mapping", &mapping_config_table, config};
    struct bytes text = fuzz_file(path);
    struct config *owned; /* the texts of *config */
    struct failure failure =
        config_load_text(path, (const char *)text.data, text.size, &room, 1, stderr, &owned);
    FUZZ_ASSERT(!failed(failure));
    (void)keep(owned);
    const struct mapping *mapping = mapping_new(config, stderr);
    FUZZ_ASSERT(mapping);
    return mapping;
}
