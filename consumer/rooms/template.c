#include "consumer/rooms/template.h"

static enum template_piece_kind field_of_name(struct bytes name) {
#define TEMPLATE_NAME(id, name, help) name,
    static const char *const names[] = {TEMPLATE_FIELDS(TEMPLATE_NAME)};
#undef TEMPLATE_NAME
    for (size_t i = 0; i < TEMPLATE_FIELD_COUNT; i++) {
        if (bytes_equal(name, bytes_of_text(names[i]))) {
            return (enum template_piece_kind)i;
        }
    }
    return TEMPLATE_UNKNOWN;
}

static size_t span_until(struct bytes text, uint8_t stop, size_t from) {
    size_t at = from;
    while (at < text.size && text.data[at] != stop) {
        at++;
    }
    return at;
}

bool template_next(struct bytes *rest, struct template_piece *out) {
    if (rest->size == 0) {
        return false;
    }
    size_t size = span_until(*rest, '{', 0);
    out->kind = TEMPLATE_TEXT;
    if (size == 0) {
        size_t end = span_until(*rest, '}', 1);
        bool is_closed = end < rest->size;
        size = is_closed ? end + 1 : rest->size;
        out->kind = is_closed ? field_of_name(bytes_of(rest->data + 1, end - 1)) : TEMPLATE_UNKNOWN;
        if (out->kind == TEMPLATE_UNKNOWN) {
            /* Only up to the next brace: "{ {item}" still has its field. */
            size = span_until(bytes_of(rest->data, size), '{', 1);
        }
    }
    out->text = bytes_of(rest->data, size);
    *rest = bytes_of(rest->data + size, rest->size - size);
    return true;
}
