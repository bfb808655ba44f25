#include "base/buffer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void buffer_init(struct buffer *buffer, size_t capacity) {
    *buffer = (struct buffer){.capacity = capacity};
    if (capacity > 0) {
        buffer->data = memory_new(capacity, 1);
    }
}

void buffer_clean_up(struct buffer *buffer) {
    if (!buffer) {
        return;
    }
    free(buffer->data);
    *buffer = (struct buffer){0};
}

/* The way that buffer_reserve seldom takes. */
void buffer_grow(struct buffer *buffer, size_t size) {
    assert(size <= SIZE_MAX / 2 - buffer->size);
    size_t wanted = buffer->size + size;
    size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
    while (capacity < wanted) {
        capacity *= 2;
    }
    buffer->data = memory_grow(buffer->data, capacity, 1);
    buffer->capacity = capacity;
}

void buffer_format(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    buffer_format_list(buffer, format, arguments);
    va_end(arguments);
}

void buffer_format_list(struct buffer *buffer, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    size_t room = buffer->capacity - buffer->size;
    char *end = room > 0 ? (char *)buffer->data + buffer->size : NULL;
    int size = vsnprintf(end, room, format, arguments);
    assert(size >= 0);
    if ((size_t)size >= room) {
        /* vsnprintf writes a NUL, so it needs one byte that is not counted in size. */
        end = (char *)buffer_reserve(buffer, (size_t)size + 1);
        size = vsnprintf(end, (size_t)size + 1, format, again);
        assert(size >= 0);
    }
    va_end(again);
    buffer->size += (size_t)size;
}

static void *must_have(void *memory, size_t count, size_t size) {
    if (!memory) {
        fprintf(stderr, "out of memory: %zu elements of %zu bytes\n", count, size);
        abort();
    }
    return memory;
}

void *memory_new(size_t count, size_t size) {
    /* At least one byte, so that NULL always means no memory. */
    return must_have(calloc(count ? count : 1, size ? size : 1), count, size);
}

void *memory_grow(void *old, size_t count, size_t size) {
    return must_have(reallocarray(old, count ? count : 1, size ? size : 1), count, size);
}

char *memory_copy_text(struct bytes text) {
    char *copy = memory_new(text.size + 1, 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return copy;
}
