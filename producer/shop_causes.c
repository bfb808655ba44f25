#include "producer/shop_causes.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "producer/shop_speech.h"

struct failure shop_causes_open(const char *path, uint64_t seed, struct shop_causes *out) {
    *out = (struct shop_causes){.path = path, .seed = seed};
    if (!path) {
        return failure_none();
    }
    out->file = fopen(path, "w");
    if (!out->file) {
        return failure_make(FAILURE_STOP, errno, "causes file %s: %s", path, strerror(errno));
    }
    return failure_none();
}

/* What all causes of a message have in common: everything behind the cause. */
static void write_message(FILE *file, uint64_t seed, int64_t happened_ms,
                          const struct shop_click *click, bool arrives) {
    char user[SHOP_KEY_BYTES], key[SHOP_KEY_BYTES], id[16];
    size_t user_size = shop_user_key(click->user, user);
    size_t key_size = click->flags & CLICK_GUEST
                          ? shop_guest_key(seed, click->user, click->session, key)
                          : shop_user_key(click->user, key);
    size_t id_size = shop_speech_hex(shop_click_id(seed, click), '\0', id);
    fprintf(file, "\"user_id\":\"%.*s\",\"key\":\"%.*s\",\"session\":%" PRIu32 ",", (int)user_size,
            user, (int)key_size, key, click->session);
    fprintf(file, "\"event_id\":\"%.*s\",\"type\":\"%s\",\"happened_ms\":%" PRId64 ",",
            (int)id_size, id, event_type_name((enum event_type)click->type), happened_ms);
    if (arrives) {
        fprintf(file, "\"event_ms\":%" PRId64 ",\"arrival_ms\":%" PRId64 "}\n", click->event_ms,
                click->arrival_ms);
    } else {
        fprintf(file, "\"event_ms\":%" PRId64 ",\"arrival_ms\":null}\n", click->event_ms);
    }
}

void shop_causes_write(const struct shop_causes *causes, uint32_t set, int64_t happened_ms,
                       const struct shop_click *click, bool arrives) {
#define NAME(id, name, text) name,
    static const char *const names[SHOP_CAUSE_COUNT] = {SHOP_CAUSES(NAME)};
#undef NAME
    if (!causes->file) {
        return;
    }
    for (int cause = 0; cause < SHOP_CAUSE_COUNT; cause++) {
        if (set & SHOP_CAUSE_BIT(cause)) {
            fprintf(causes->file, "{\"cause\":\"%s\",", names[cause]);
            write_message(causes->file, causes->seed, happened_ms, click, arrives);
        }
    }
}

struct failure shop_causes_close(struct shop_causes *causes) {
    if (!causes->file) {
        return failure_none();
    }
    bool is_bad = ferror(causes->file) != 0;
    is_bad |= fclose(causes->file) != 0;
    causes->file = NULL;
    if (is_bad) {
        return failure_make(FAILURE_STOP, errno, "causes file %s: %s", causes->path,
                            strerror(errno));
    }
    return failure_none();
}
