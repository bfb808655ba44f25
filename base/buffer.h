/* buffer: a growing run of bytes that is written at its end and emptied as a whole.
 * Growth doubles; out of memory ends the process (allocation cannot fail). Offsets stay valid,
 * pointers do not survive growth. */
#ifndef PROMOSTREAM_BASE_BUFFER_H
#define PROMOSTREAM_BASE_BUFFER_H

#include <stdarg.h>

#include "base/bytes.h"

struct buffer {
    uint8_t *data;
    size_t size, capacity;
};

void buffer_init(struct buffer *buffer, size_t capacity);
void buffer_clean_up(struct buffer *buffer); /* idempotent; a zeroed buffer is fine */
static inline void buffer_clear(struct buffer *buffer) {
    buffer->size = 0;
}
void buffer_grow(struct buffer *buffer, size_t size);
/* Makes room for size more bytes and returns where they go; the size is not advanced. */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t size) {
    if (size > buffer->capacity - buffer->size || !buffer->data) {
        buffer_grow(buffer, size);
    }
    return buffer->data + buffer->size;
}
static inline void buffer_append(struct buffer *buffer, struct bytes bytes) {
    if (bytes.size > 0) {
        memcpy(buffer_reserve(buffer, bytes.size), bytes.data, bytes.size);
        buffer->size += bytes.size;
    }
}
static inline void buffer_append_byte(struct buffer *buffer, uint8_t byte) {
    *buffer_reserve(buffer, 1) = byte;
    buffer->size++;
}
void buffer_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for a caller that has the arguments as a list; the list is used up. */
void buffer_format_list(struct buffer *buffer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static inline struct bytes buffer_bytes(const struct buffer *buffer) {
    return bytes_of(buffer->data, buffer->size);
}

/* malloc, calloc, realloc that cannot fail: they print and abort. */
void *memory_new(size_t count, size_t size); /* zeroed */
void *memory_grow(void *old, size_t count, size_t size);
char *memory_copy_text(struct bytes text); /* NUL-terminated copy, owned by the caller */

#endif
