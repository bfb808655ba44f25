#include "base/timezone.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "base/tzif.h"

#define NAME_BYTES_MAX  40
#define ZONES_MAX       1000
#define FILE_BYTES_MAX  ((size_t)256 * 1024) /* the largest real one is under 8 KiB */
#define SLOTS_COUNT     2048                 /* open addressing, at most half full */
#define UNKNOWN_COUNT   256
#define DAY_MS          INT64_C(86400000)
#define MINUTE_MS       INT64_C(60000)
#define MINUTES_PER_DAY 1440

struct zone {
    char *name;
    struct tzif tzif;
};

struct timezone_set {
    char *folder;
    struct zone *zones; /* [zone - 1] */
    size_t zone_count;
    uint16_t slots[SLOTS_COUNT]; /* zone, 0 = free; by hash of the name */
    /* Names that no file answered to, the latest of each slot: a user who is given an invented zone
     * does not cost a system call at each event. */
    struct hash128 unknown[UNKNOWN_COUNT];
};

struct timezone_set *timezone_set_new(const char *folder) {
    struct timezone_set *set = memory_new(1, sizeof *set);
    set->folder = memory_copy_text(bytes_of_text(folder ? folder : "/usr/share/zoneinfo"));
    set->zones = memory_new(ZONES_MAX, sizeof *set->zones);
    return set;
}

void timezone_set_destroy(struct timezone_set *set) {
    if (!set) {
        return;
    }
    for (size_t i = 0; i < set->zone_count; i++) {
        free(set->zones[i].name);
        tzif_clean_up(&set->zones[i].tzif);
    }
    free(set->zones);
    free(set->folder);
    free(set);
}

/* ---- Names and files ---- */

static bool is_name_byte(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
}

static bool is_name(struct bytes name) {
    if (name.size == 0 || name.size > NAME_BYTES_MAX || name.data[0] == '/' ||
        name.data[name.size - 1] == '/') {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        bool is_empty_part = i > 0 && name.data[i] == '/' && name.data[i - 1] == '/';
        if (!is_name_byte(name.data[i]) || is_empty_part) {
            return false;
        }
    }
    /* This machine's own zone: another worker's may differ, and a replay must not. */
    return !bytes_equal(name, bytes_of_text("localtime"));
}

/* Reads a regular file into out; false if there is none or it is too large. *is_final: it will be
 * so the next time, too. */
static bool read_file(const char *path, struct buffer *out, bool *is_final) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    *is_final = file >= 0 || errno == ENOENT || errno == ENOTDIR;
    if (file < 0) {
        return false;
    }
    struct stat status;
    bool is_good = fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
                   status.st_size <= (off_t)FILE_BYTES_MAX;
    while (is_good) {
        ssize_t size = read(file, buffer_reserve(out, 4096), 4096);
        if (size < 0) {
            *is_final = false;
        }
        is_good = size >= 0 && out->size + (size_t)size <= FILE_BYTES_MAX;
        if (size <= 0) {
            break;
        }
        out->size += (size_t)size;
    }
    close(file);
    return is_good;
}

static bool load(const struct timezone_set *set, struct bytes name, struct tzif *out,
                 bool *is_final) {
    struct buffer path, content;
    buffer_init(&path, 256);
    buffer_init(&content, 8192);
    buffer_format(&path, "%s/%.*s", set->folder, BYTES_ARG(name));
    buffer_append_byte(&path, '\0');
    bool is_good = read_file((const char *)path.data, &content, is_final) &&
                   tzif_parse(buffer_bytes(&content), out);
    buffer_clean_up(&content);
    buffer_clean_up(&path);
    return is_good;
}

static uint16_t *find_slot(struct timezone_set *set, struct bytes name, struct hash128 hash) {
    size_t i = hash.low % SLOTS_COUNT;
    while (set->slots[i] != TIMEZONE_NONE &&
           !bytes_equal(name, timezone_name(set, set->slots[i]))) {
        i = (i + 1) % SLOTS_COUNT;
    }
    return &set->slots[i];
}

uint16_t timezone_find(struct timezone_set *set, struct bytes name) {
    if (!is_name(name)) {
        return TIMEZONE_NONE;
    }
    struct hash128 hash = hash128(name, 0);
    uint16_t *slot = find_slot(set, name, hash);
    struct hash128 *unknown = &set->unknown[hash.high % UNKNOWN_COUNT];
    bool is_known = *slot != TIMEZONE_NONE;
    if (is_known || set->zone_count == ZONES_MAX || hash128_equal(*unknown, hash)) {
        return *slot;
    }
    struct zone *zone = &set->zones[set->zone_count];
    bool is_final;
    if (!load(set, name, &zone->tzif, &is_final)) {
        if (is_final) {
            *unknown = hash;
        }
        return TIMEZONE_NONE;
    }
    zone->name = memory_copy_text(name);
    *slot = (uint16_t)++set->zone_count;
    return *slot;
}

static const struct zone *get_zone(const struct timezone_set *set, uint16_t zone) {
    assert(zone <= set->zone_count);
    return zone == TIMEZONE_NONE ? NULL : &set->zones[zone - 1];
}

struct bytes timezone_name(const struct timezone_set *set, uint16_t zone) {
    const struct zone *found = get_zone(set, zone);
    return bytes_of_text(found ? found->name : NULL);
}

/* ---- Time ---- */

static int64_t floor_seconds(int64_t at_ms) {
    return at_ms / 1000 - (at_ms % 1000 < 0);
}

int timezone_offset_s(const struct timezone_set *set, uint16_t zone, int64_t at_ms) {
    const struct zone *found = get_zone(set, zone);
    return found ? tzif_offset_s(&found->tzif, floor_seconds(at_ms)) : 0;
}

/* The first instant after at_ms at which the offset may change; INT64_MAX if there is none. */
static int64_t next_change_ms(const struct timezone_set *set, uint16_t zone, int64_t at_ms) {
    const struct zone *found = get_zone(set, zone);
    int64_t next_s = found ? tzif_next_s(&found->tzif, floor_seconds(at_ms)) : INT64_MAX;
    return next_s > INT64_MAX / 1000 ? INT64_MAX : next_s * 1000;
}

static int64_t local_ms_of_day(const struct timezone_set *set, uint16_t zone, int64_t at_ms) {
    int64_t local_ms = at_ms % DAY_MS + (int64_t)timezone_offset_s(set, zone, at_ms) * 1000;
    return (local_ms % DAY_MS + DAY_MS) % DAY_MS;
}

static bool is_inside(int64_t of_day_ms, int start_minute, int end_minute) {
    int64_t start_ms = start_minute * MINUTE_MS, end_ms = end_minute * MINUTE_MS;
    if (start_ms <= end_ms) {
        return of_day_ms >= start_ms && of_day_ms < end_ms;
    }
    return of_day_ms >= start_ms || of_day_ms < end_ms;
}

int64_t timezone_quiet_end_ms(const struct timezone_set *set, uint16_t zone, int64_t at_ms,
                              int start_minute, int end_minute) {
    assert(start_minute >= 0 && start_minute <= MINUTES_PER_DAY);
    assert(end_minute >= 0 && end_minute <= MINUTES_PER_DAY);
    int64_t quiet_ms = at_ms;
    /* Between two changes of the offset local time runs evenly: either the stretch ends before the
     * next change, or the question is put again at the change. */
    while (quiet_ms < INT64_MAX - 2 * DAY_MS) {
        int64_t of_day_ms = local_ms_of_day(set, zone, quiet_ms);
        if (!is_inside(of_day_ms, start_minute, end_minute)) {
            break;
        }
        int64_t left_ms = (end_minute * MINUTE_MS - of_day_ms + DAY_MS) % DAY_MS;
        int64_t end_ms = quiet_ms + (left_ms > 0 ? left_ms : DAY_MS);
        int64_t change_ms = next_change_ms(set, zone, quiet_ms);
        if (end_ms < change_ms) {
            return end_ms;
        }
        quiet_ms = change_ms;
    }
    return quiet_ms;
}
