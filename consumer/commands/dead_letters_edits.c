#include "consumer/commands/dead_letters_edits.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"

/* ---- base64 (RFC 4648, section 4), strict ---- */

static int digit_of(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* False if the text is not what letter_append_base64 writes. */
static bool decode_base64(struct bytes text, struct bytes *out) {
    uint8_t *data = memory_new(text.size / 4 * 3 + 1, 1);
    size_t size = 0, pad = 0;
    bool is_good = text.size % 4 == 0;
    while (pad < 2 && pad < text.size && text.data[text.size - 1 - pad] == '=') {
        pad++;
    }
    for (size_t i = 0; is_good && i < text.size; i += 4) {
        uint32_t word = 0;
        size_t digits = i + 4 == text.size ? 4 - pad : 4;
        for (size_t j = 0; j < 4; j++) {
            int digit = j < digits ? digit_of((char)text.data[i + j]) : 0;
            is_good = is_good && digit >= 0;
            word = word << 6 | (uint32_t)(digit & 63);
        }
        for (size_t j = 0; j + 1 < digits; j++) {
            data[size++] = (uint8_t)(word >> (16 - 8 * j));
        }
        is_good = is_good && (digits == 4 || (word & (digits == 3 ? 0xff : 0xffff)) == 0);
    }
    if (!is_good) {
        free(data);
        return false;
    }
    *out = bytes_of(data, size);
    return true;
}

/* ---- one line ---- */

static void give_up(char *reason, size_t size, const char *name, const char *expected) {
    (void)snprintf(reason, size, "%s: expected %s", name, expected);
}

static struct bytes copy_of(const json_t *text) {
    struct bytes bytes = bytes_of(json_string_value(text), json_string_length(text));
    return bytes_of(memory_copy_text(bytes), bytes.size);
}

/* The member `name` as a text, else `name_base64`; true too where neither is there. */
static bool read_bytes(const json_t *line, const char *name, bool *out_has, struct bytes *out,
                       char *reason, size_t size) {
    char coded[32];
    (void)snprintf(coded, sizeof coded, "%s_base64", name);
    const json_t *text = json_object_get(line, name);
    const json_t *base64 = json_object_get(line, coded);
    const json_t *used = text ? text : base64;
    *out_has = used != NULL;
    if (!used || json_is_null(used)) {
        return true;
    }
    if (!json_is_string(used)) {
        give_up(reason, size, text ? name : coded, "a text or null");
        return false;
    }
    if (text) {
        *out = copy_of(text);
        return true;
    }
    if (!decode_base64(bytes_of(json_string_value(used), json_string_length(used)), out)) {
        give_up(reason, size, coded, "base64 with its padding");
        return false;
    }
    return true;
}

static void free_edit(struct letter_edit *edit) {
    free((void *)(uintptr_t)edit->key.data);
    free((void *)(uintptr_t)edit->value.data);
}

static bool add_object(struct letter_edits *edits, const json_t *line, char *reason, size_t size) {
    struct letter_edit edit = {0};
    const json_t *partition = json_object_get(line, "partition");
    const json_t *offset = json_object_get(line, "offset");
    json_int_t number = json_integer_value(partition);
    if (!partition && !offset && json_object_get(line, "summary")) {
        return true;
    }
    if (!json_is_integer(partition) || number < 0 || number > INT32_MAX) {
        give_up(reason, size, "partition", "the letter's, a number");
        return false;
    }
    if (!json_is_integer(offset) || json_integer_value(offset) < 0) {
        give_up(reason, size, "offset", "the letter's, a number");
        return false;
    }
    edit.partition = (int32_t)number;
    edit.offset = json_integer_value(offset);
    if (!read_bytes(line, "key", &edit.has_key, &edit.key, reason, size) ||
        !read_bytes(line, "value", &edit.has_value, &edit.value, reason, size)) {
        free_edit(&edit);
        return false;
    }
    if (edits->count == edits->capacity) {
        edits->capacity = edits->capacity * 2 + 16;
        edits->items = memory_grow(edits->items, edits->capacity, sizeof *edits->items);
    }
    edits->items[edits->count++] = edit;
    edits->is_sorted = false;
    return true;
}

bool letter_edits_add(struct letter_edits *edits, struct bytes line, char *reason, size_t size) {
    json_error_t error;
    size_t blank = 0;
    while (blank < line.size && line.data[blank] > 0 && strchr(" \t\r\n", line.data[blank])) {
        blank++;
    }
    if (blank == line.size) {
        return true;
    }
    json_t *json = json_loadb((const char *)line.data, line.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    bool is_good = json_is_object(json);
    if (is_good) {
        is_good = add_object(edits, json, reason, size);
    } else {
        (void)snprintf(reason, size, "%s",
                       json ? "expected a JSON object on each line" : error.text);
    }
    json_decref(json);
    return is_good;
}

/* ---- all of them ---- */

static int compare(const void *a, const void *b) {
    const struct letter_edit *x = a, *y = b;
    return x->partition != y->partition ? (x->partition < y->partition ? -1 : 1)
                                        : (x->offset > y->offset) - (x->offset < y->offset);
}

static void sort(struct letter_edits *edits) {
    if (!edits->is_sorted && edits->count > 0) {
        qsort(edits->items, edits->count, sizeof edits->items[0], compare);
    }
    edits->is_sorted = true;
}

static struct failure refuse_doubles(struct letter_edits *edits, const char *path) {
    sort(edits);
    for (size_t i = 1; i < edits->count; i++) {
        if (compare(&edits->items[i - 1], &edits->items[i]) == 0) {
            return failure_make(FAILURE_STOP, 0, "%s: letter %d@%lld stands there twice", path,
                                (int)edits->items[i].partition, (long long)edits->items[i].offset);
        }
    }
    return failure_none();
}

struct failure letter_edits_read(struct letter_edits *edits, const char *path) {
    bool is_standard = strcmp(path, "-") == 0;
    FILE *file = is_standard ? stdin : fopen(path, "rb");
    if (!file) {
        return failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno));
    }
    char *text = NULL, reason[120] = "";
    size_t capacity = 0, number = 0;
    ssize_t size;
    bool is_good = true;
    while (is_good && (size = getline(&text, &capacity, file)) >= 0) {
        number++;
        is_good = letter_edits_add(edits, bytes_of(text, (size_t)size), reason, sizeof reason);
    }
    struct failure failure =
        !is_good       ? failure_make(FAILURE_STOP, 0, "%s:%zu: %s", path, number, reason)
        : ferror(file) ? failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno))
                       : refuse_doubles(edits, path);
    free(text);
    if (!is_standard) {
        fclose(file);
    }
    return failure;
}

const struct letter_edit *letter_edits_find(struct letter_edits *edits,
                                            const struct letter *letter) {
    const struct letter_edit key = {.partition = letter->partition, .offset = letter->offset};
    sort(edits);
    struct letter_edit *found = edits->count > 0 ? bsearch(&key, edits->items, edits->count,
                                                           sizeof edits->items[0], compare)
                                                 : NULL;
    if (found) {
        found->is_found = true;
    }
    return found;
}

struct dead_letter_row letter_edit_apply(const struct letter_edit *edit,
                                         const struct dead_letter_row *row) {
    struct dead_letter_row applied = *row;
    applied.key = edit->has_key ? edit->key : row->key;
    applied.value = edit->has_value ? edit->value : row->value;
    return applied;
}

size_t letter_edits_left(const struct letter_edits *edits) {
    size_t left = 0;
    for (size_t i = 0; i < edits->count; i++) {
        left += !edits->items[i].is_found;
    }
    return left;
}

void letter_edits_clean_up(struct letter_edits *edits) {
    for (size_t i = 0; i < edits->count; i++) {
        free_edit(&edits->items[i]);
    }
    free(edits->items);
    *edits = (struct letter_edits){0};
}
