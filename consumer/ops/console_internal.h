/* console_internal: what the files that render the end summary share. Private to them. */
#ifndef PROMOSTREAM_OPS_CONSOLE_INTERNAL_H
#define PROMOSTREAM_OPS_CONSOLE_INTERNAL_H

#include "base/buffer.h"

struct named_count {
    const char *name;
    int64_t count;
};

/* "  title       name 1, name 2", a line. */
void console_append_counts(struct buffer *out, const char *title, const struct named_count *counts,
                           size_t count);
/* ,"title":{"name":1,"name":2} */
void console_append_counts_json(struct buffer *out, const char *title,
                                const struct named_count *counts, size_t count);

#endif
