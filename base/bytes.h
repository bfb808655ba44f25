/* bytes: a borrowed run of bytes, passed by value. Never NUL-terminated, never owned. */
#ifndef PROMOSTREAM_BASE_BYTES_H
#define PROMOSTREAM_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

/* printf("%.*s", BYTES_ARG(b)) */
#define BYTES_ARG(b) (int)(b).size, (const char *)((b).data ? (const char *)(b).data : "")

static inline struct bytes bytes_of(const void *data, size_t size) {
    return (struct bytes){.data = data, .size = size};
}

/* The text without its NUL; NULL gives the empty run. */
static inline struct bytes bytes_of_text(const char *text) {
    return (struct bytes){.data = (const uint8_t *)text, .size = text ? strlen(text) : 0};
}

static inline bool bytes_equal(struct bytes a, struct bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Order by unsigned byte value, a prefix first. <0, 0, >0 like memcmp. */
static inline int bytes_compare(struct bytes a, struct bytes b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

#endif
