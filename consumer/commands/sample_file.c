#include "consumer/commands/sample_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

static struct failure cannot(const char *path) {
    return failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno));
}

static bool is_blank(struct bytes line) {
    for (size_t i = 0; i < line.size; i++) {
        if (!strchr(" \t\r", line.data[i]) || line.data[i] == 0) {
            return false;
        }
    }
    return true;
}

struct failure sample_file_lines(const char *path, int64_t lines_max, sample_file_visit *visit,
                                 void *context) {
    bool is_standard = strcmp(path, "-") == 0;
    FILE *file = is_standard ? stdin : fopen(path, "rb");
    if (!file) {
        return cannot(path);
    }
    char *text = NULL;
    size_t capacity = 0;
    for (int64_t count = 0; count < lines_max;) {
        ssize_t size = getline(&text, &capacity, file);
        if (size < 0) {
            break;
        }
        struct bytes line = bytes_of(text, (size_t)size - (text[size - 1] == '\n'));
        if (!is_blank(line)) {
            visit(context, line);
            count++;
        }
    }
    struct failure failure = ferror(file) ? cannot(path) : failure_none();
    free(text);
    if (!is_standard) {
        fclose(file);
    }
    return failure;
}

struct failure sample_file_read(const char *path, size_t size_max, struct buffer *out) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        return cannot(path);
    }
    uint8_t *at = buffer_reserve(out, size_max + 1);
    size_t size = fread(at, 1, size_max + 1, file);
    struct failure failure =
        ferror(file)      ? cannot(path)
        : size > size_max ? failure_make(FAILURE_STOP, 0, "%s: more than %zu bytes", path, size_max)
                          : failure_none();
    out->size += failed(failure) ? 0 : size;
    fclose(file);
    return failure;
}
