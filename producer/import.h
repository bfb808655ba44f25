/* import: a row of somebody's shop log becomes one canonical event.
 *
 * An importer knows which column plays which part and what the log calls its events; everything
 * else is the same for all of them and stands here. Imported events carry no event id (so nothing
 * is taken for a duplicate) unless the log has a column of them. A row that cannot become an event
 * is a verdict, counted by the caller; it never stops an import. Prices are checked for being
 * numbers only: whether one is absurd is the consumer's business. One thread. */
#ifndef PROMOSTREAM_PRODUCER_IMPORT_H
#define PROMOSTREAM_PRODUCER_IMPORT_H

#include "base/csv_reader.h"
#include "base/parse.h"
#include "schemas/event.h"

/* Parts that a column can play; the names are those of `--map part=column`. */
#define IMPORT_FIELDS(X)                                                                           \
    X(IMPORT_TIME, "time")                                                                         \
    X(IMPORT_TYPE, "type")                                                                         \
    X(IMPORT_USER, "user")                                                                         \
    X(IMPORT_ITEM, "item")                                                                         \
    X(IMPORT_PRICE, "price")                                                                       \
    X(IMPORT_QUANTITY, "quantity")                                                                 \
    X(IMPORT_CATEGORY, "category")                                                                 \
    X(IMPORT_CATEGORY_FALLBACK, "category_fallback")                                               \
    X(IMPORT_BRAND, "brand")                                                                       \
    X(IMPORT_SESSION, "session")                                                                   \
    X(IMPORT_ORDER, "order")                                                                       \
    X(IMPORT_EVENT_ID, "event_id")                                                                 \
    X(IMPORT_CURRENCY, "currency")                                                                 \
    X(IMPORT_TIMEZONE, "timezone")                                                                 \
    X(IMPORT_CONSENT, "consent")

#define IMPORT_FIELD_ENUM(id, name) id,
enum import_field { IMPORT_FIELDS(IMPORT_FIELD_ENUM) IMPORT_FIELD_COUNT };
extern const char *const import_field_names[]; /* ended by NULL */

/* What became of a row; the names stand in the summary. */
#define IMPORT_VERDICTS(X)                                                                         \
    X(IMPORT_OK, "ok")                                                                             \
    X(IMPORT_ROW_TOO_LONG, "row_too_long")                                                         \
    X(IMPORT_BAD_QUOTE, "bad_quote")                                                               \
    X(IMPORT_WRONG_FIELD_COUNT, "wrong_field_count")                                               \
    X(IMPORT_BAD_TIME, "bad_time")                                                                 \
    X(IMPORT_UNKNOWN_TYPE, "unknown_type")                                                         \
    X(IMPORT_MISSING_USER, "missing_user")                                                         \
    X(IMPORT_MISSING_ITEM, "missing_item")                                                         \
    X(IMPORT_BAD_PRICE, "bad_price")                                                               \
    X(IMPORT_BAD_QUANTITY, "bad_quantity")                                                         \
    X(IMPORT_BAD_CONSENT, "bad_consent")                                                           \
    X(IMPORT_TEXT_TOO_LONG, "text_too_long")                                                       \
    X(IMPORT_BAD_UTF8, "bad_utf8")

#define IMPORT_VERDICT_ENUM(id, name) id,
enum import_verdict { IMPORT_VERDICTS(IMPORT_VERDICT_ENUM) IMPORT_VERDICT_COUNT };
const char *import_verdict_name(enum import_verdict verdict);
/* What a row that the reader itself rejected counts as. CSV_END is not a row. */
enum import_verdict import_verdict_of_csv(enum csv_verdict verdict);

/* What the log calls an event. */
struct import_type {
    const char *name; /* NULL ends a list */
    enum event_type type;
};

struct import_settings {
    enum consent consent;                /* of rows that do not say */
    struct bytes timezone;               /* of rows that do not say; empty = unknown */
    struct bytes currency;               /* likewise */
    enum time_format time_format;        /* csv only */
    const char *map[IMPORT_FIELD_COUNT]; /* csv only: column names; NULL = no such column */
};

/* One format, bound to one file's header. Filled by import_rees46, import_retailrocket, import_csv.
 */
struct importer {
    const struct import_settings *settings; /* borrowed */
    int column[IMPORT_FIELD_COUNT];         /* -1 = none */
    const struct import_type *types;
    enum time_format time_format;
    bool is_zero_price_missing;
};

/* A format: its name on the command line and how it is bound to a header. bind: STOP when a column
 * is missing. */
struct import_format {
    const char *name, *help;
    struct failure (*bind)(const struct csv_reader *reader, const struct import_settings *settings,
                           struct importer *out);
};

/* For the formats: looks the names up; STOP naming the first column that is not there, unless its
 * part is among the optional ones (bits 1 << part). */
MUST_CHECK struct failure import_bind_columns(const struct csv_reader *reader,
                                              const char *const names[IMPORT_FIELD_COUNT],
                                              unsigned optional, struct importer *out);

/* The row as an event. out->lines must point to at least one line; texts are borrowed from the row.
 * out is unspecified for any verdict but IMPORT_OK. */
enum import_verdict import_convert(const struct importer *importer, const struct csv_row *row,
                                   struct event *out);

#endif
