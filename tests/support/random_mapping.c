#include "tests/support/random_mapping.h"

#include <string.h>

static bool one_in(struct rng *rng, uint64_t n) {
    return rng_below(rng, n) == 0;
}

/* Mostly a path whose values were made for the kind. */
static const char *draw_path(struct rng *rng, const struct random_path *paths, size_t count,
                             enum mapping_kind kind) {
    size_t at = rng_below(rng, count);
    if (!one_in(rng, 8)) {
        for (size_t i = 0; i < count && paths[at].kind != kind; i++) {
            at = (at + 1) % count;
        }
    }
    return paths[at].text;
}

static void write_quoted(struct buffer *out, const char *text) {
    for (; *text; text++) {
        buffer_format(out, *text == '\'' ? "''" : "%c", *text);
    }
}

static void write_more(struct rng *rng, enum mapping_kind kind, struct buffer *out) {
    static const char *const time_units[] = {"auto", "ms", "us", "s"};
    static const char *const money_units[] = {"auto", "cents", "micros"};
    if (kind == MAPPING_TIME && one_in(rng, 6)) {
        buffer_format(out, ", unit: %s", time_units[rng_below(rng, 4)]);
    }
    if (kind == MAPPING_NUMBER && one_in(rng, 4)) {
        buffer_format(out, ", unit: %s", money_units[rng_below(rng, 3)]);
    }
    if (kind == MAPPING_TYPE && one_in(rng, 2)) {
        buffer_format(out, ", values: {view: product_viewed, purchase: order_completed, 'true': "
                           "cart_viewed, '7': coupon_applied}");
    }
    if (kind == MAPPING_TYPE && one_in(rng, 4)) {
        buffer_format(out, ", default: products_searched");
    }
    if (kind == MAPPING_CONSENT && one_in(rng, 2)) {
        buffer_format(out, ", values: {'true': granted, 'false': denied}, default: denied");
    }
    if (kind == MAPPING_TEXT && one_in(rng, 4)) {
        buffer_format(out, ", values: {S0: first, a: letter, '7': seven, view: look}");
    }
    if (kind == MAPPING_TEXT && one_in(rng, 6)) {
        buffer_format(out, ", default: none");
    }
}

static void write_field(struct rng *rng, const char *indent, const char *name,
                        enum mapping_kind kind, const char *first, const struct random_path *paths,
                        size_t count, struct buffer *out) {
    size_t alternatives = one_in(rng, 3) ? 1 + rng_below(rng, 3) : 1;
    buffer_format(out, "%s%s: {path: '", indent, name);
    for (size_t i = 0; i < alternatives; i++) {
        buffer_format(out, i > 0 ? " | " : "");
        write_quoted(out, first && i == 0 ? first : draw_path(rng, paths, count, kind));
    }
    buffer_format(out, "'");
    write_more(rng, kind, out);
    buffer_format(out, "}\n");
}

struct field_name {
    const char *name;
    enum mapping_kind kind;
};
#define FIELD_NAME(id, name, kind) {#name, kind},
static const struct field_name event_fields[] = {MAPPING_EVENT_FIELDS(FIELD_NAME)};
static const struct field_name line_fields[] = {MAPPING_LINE_FIELDS(FIELD_NAME)};

static void write_line_fields(struct rng *rng, const struct random_path *paths, size_t count,
                              struct buffer *out) {
    for (size_t i = 0; i < MAPPING_LINE_FIELD_COUNT; i++) {
        if (i == MAP_LINE_ITEM_ID || one_in(rng, 2)) {
            write_field(rng, "    ", line_fields[i].name, line_fields[i].kind,
                        i == MAP_LINE_ITEM_ID ? paths[0].text : NULL, paths, count, out);
        }
    }
}

void random_mapping_write(struct rng *rng, const struct random_schema *schema, struct buffer *out) {
    buffer_format(out, "mapping:\n");
    for (size_t i = 0; i < MAPPING_EVENT_FIELD_COUNT; i++) {
        if (i <= MAP_EVENT_MS || one_in(rng, 3)) {
            const char *first = i == MAP_TYPE       ? schema->paths[1].text
                                : i == MAP_EVENT_MS ? schema->paths[0].text
                                                    : NULL;
            write_field(rng, "  ", event_fields[i].name, event_fields[i].kind, first, schema->paths,
                        schema->path_count, out);
        }
    }
    if (schema->lines_path[0] && !one_in(rng, 8)) {
        buffer_format(out, "  lines:\n    path: '");
        write_quoted(out, schema->lines_path);
        buffer_format(out, "'\n");
        write_line_fields(rng, schema->line_paths, schema->line_path_count, out);
    }
    if (one_in(rng, 2)) {
        buffer_format(out, "  product:\n");
        /* paths[0] is a time: as good an item_id as any. */
        write_line_fields(rng, schema->paths, schema->path_count, out);
    }
    buffer_append_byte(out, 0);
}
