#include "schemas/registry_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "schemas/writer_schema.h"

#define SUFFIX     ".avsc"
#define READ_BYTES 65536

static bool has_suffix(const char *name) {
    size_t size = strlen(name);
    return size > strlen(SUFFIX) && strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0;
}

static int is_schema_file(const struct dirent *entry) {
    return entry->d_name[0] != '.' && has_suffix(entry->d_name);
}

bool folder_id_of(const char *name, uint32_t *out_id) {
    uint64_t id = 0;
    const char *c = name;
    for (; *c >= '0' && *c <= '9' && id <= UINT32_MAX; c++) {
        id = id * 10 + (uint64_t)(*c - '0');
    }
    bool is_plain = c == name + 1 || (c > name && name[0] != '0'); /* 007.avsc is no id */
    *out_id = (uint32_t)id;
    return is_plain && id <= UINT32_MAX && strcmp(c, SUFFIX) == 0;
}

static bool read_file(const char *path, struct buffer *out) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe does not hold us up */
    if (descriptor < 0) {
        return false;
    }
    ssize_t size = 0;
    do {
        size_t room = WRITER_SCHEMA_BYTES_MAX + 1 - out->size;
        size_t wanted = room < READ_BYTES ? room : READ_BYTES;
        size = read(descriptor, buffer_reserve(out, READ_BYTES), wanted);
        out->size += size > 0 ? (size_t)size : 0;
    } while (size > 0);
    close(descriptor);
    return size == 0;
}

static uint64_t mark_of(const char *name, const struct stat *status) {
    int64_t parts[] = {(int64_t)status->st_size, (int64_t)status->st_ctim.tv_sec,
                       (int64_t)status->st_ctim.tv_nsec, (int64_t)status->st_ino};
    return hash64(bytes_of_text(name), hash64(bytes_of(parts, sizeof parts), 0));
}

/* False if it was there already. */
static bool add_mark(struct folder_seen *seen, uint64_t mark) {
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->marks[i] == mark) {
            return false;
        }
    }
    if (seen->count == FOLDER_FILES_MAX) {
        return false;
    }
    if (!seen->marks) {
        seen->marks = memory_new(FOLDER_FILES_MAX, sizeof *seen->marks);
    }
    seen->marks[seen->count++] = mark;
    return true;
}

static void scan_file(const char *folder, const char *name, struct folder_seen *seen,
                      folder_take *take, void *context) {
    char path[PATH_MAX];
    struct stat status;
    int size = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (size < 0 || (size_t)size >= sizeof path || stat(path, &status) != 0 ||
        !S_ISREG(status.st_mode) || !add_mark(seen, mark_of(name, &status))) {
        return;
    }
    struct buffer text = {0};
    if (read_file(path, &text)) {
        take(context, name, buffer_bytes(&text));
    }
    buffer_clean_up(&text);
}

struct failure folder_scan(const char *folder, struct folder_seen *seen, folder_take *take,
                           void *context) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_schema_file, alphasort);
    if (count < 0) {
        return failure_make(FAILURE_STOP, errno, "registry.folder: found %s, expected a folder: %s",
                            folder, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        if (i < FOLDER_FILES_MAX) {
            scan_file(folder, entries[i]->d_name, seen, take, context);
        }
        free(entries[i]);
    }
    free(entries);
    return failure_none();
}

void folder_seen_clean_up(struct folder_seen *seen) {
    free(seen->marks);
    *seen = (struct folder_seen){0};
}

bool folder_read(const char *folder, uint32_t id, struct buffer *out) {
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/%" PRIu32 SUFFIX, folder, id);
    return size > 0 && (size_t)size < sizeof path && read_file(path, out);
}

static bool write_all(int descriptor, struct bytes text) {
    for (size_t at = 0; at < text.size;) {
        ssize_t written = write(descriptor, text.data + at, text.size - at);
        if (written < 0) {
            return false;
        }
        at += (size_t)written;
    }
    return fchmod(descriptor, 0644) == 0 && fsync(descriptor) == 0;
}

struct failure folder_write(const char *folder, uint32_t id, struct bytes text) {
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/%" PRIu32 SUFFIX, folder, id);
    int more = snprintf(temporary, sizeof temporary, "%s/.%" PRIu32 ".XXXXXX", folder, id);
    if (size < 0 || (size_t)size >= sizeof path || more < 0 || (size_t)more >= sizeof temporary) {
        return failure_make(FAILURE_STOP, ENAMETOOLONG, "%s: too long a name", folder);
    }
    int descriptor = mkstemp(temporary);
    if (descriptor < 0) {
        return failure_make(FAILURE_RETRY, errno, "%s: %s", path, strerror(errno));
    }
    bool is_written = write_all(descriptor, text);
    int error = errno;
    close(descriptor);
    if (is_written && rename(temporary, path) == 0) {
        return failure_none();
    }
    error = is_written ? errno : error;
    unlink(temporary);
    return failure_make(FAILURE_RETRY, error, "%s: %s", path, strerror(error));
}
