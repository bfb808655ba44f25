#include "producer/import.h"

#include <assert.h>

#include "schemas/wire.h"

#define IMPORT_FIELD_NAME(id, name)   name,
#define IMPORT_VERDICT_NAME(id, name) name,

const char *const import_field_names[] = {IMPORT_FIELDS(IMPORT_FIELD_NAME) NULL};

const char *import_verdict_name(enum import_verdict verdict) {
    static const char *const names[] = {IMPORT_VERDICTS(IMPORT_VERDICT_NAME)};
    assert(verdict < IMPORT_VERDICT_COUNT);
    return names[verdict];
}

enum import_verdict import_verdict_of_csv(enum csv_verdict verdict) {
    switch (verdict) {
    case CSV_ROW:
        return IMPORT_OK;
    case CSV_TOO_LONG:
        return IMPORT_ROW_TOO_LONG;
    case CSV_BAD_QUOTE:
        return IMPORT_BAD_QUOTE;
    case CSV_FIELD_COUNT:
        return IMPORT_WRONG_FIELD_COUNT;
    case CSV_END:
        break;
    }
    assert(!"the end of a file is not a row");
    return IMPORT_OK;
}

struct failure import_bind_columns(const struct csv_reader *reader,
                                   const char *const names[IMPORT_FIELD_COUNT], unsigned optional,
                                   struct importer *out) {
    for (int field = 0; field < IMPORT_FIELD_COUNT; field++) {
        out->column[field] = names[field] ? csv_column(reader, names[field]) : -1;
        bool is_missing = names[field] && out->column[field] < 0;
        if (is_missing && !(optional & 1u << field)) {
            return failure_make(FAILURE_STOP, 0, "the header has no column '%s' (%s)", names[field],
                                import_field_names[field]);
        }
    }
    return failure_none();
}

/* The text of a part, empty where the log has none. */
static struct bytes text_of(const struct importer *importer, const struct csv_row *row,
                            enum import_field field) {
    int column = importer->column[field];
    return column < 0 ? bytes_of(NULL, 0) : row->fields[column];
}

static enum import_verdict check_text(struct bytes text, size_t bytes_max) {
    if (text.size > bytes_max) {
        return IMPORT_TEXT_TOO_LONG;
    }
    return wire_is_utf8(text) ? IMPORT_OK : IMPORT_BAD_UTF8;
}

static bool find_type(const struct import_type *types, struct bytes name, enum event_type *out) {
    for (; types->name; types++) {
        if (bytes_equal(bytes_of_text(types->name), name)) {
            *out = types->type;
            return true;
        }
    }
    return false;
}

/* Empty = what the settings say. */
static bool parse_consent(struct bytes text, enum consent by_default, enum consent *out) {
    static const struct {
        const char *text;
        enum consent consent;
    } words[] = {{"granted", CONSENT_GRANTED}, {"denied", CONSENT_DENIED},
                 {"unknown", CONSENT_UNKNOWN}, {"true", CONSENT_GRANTED},
                 {"false", CONSENT_DENIED},    {"1", CONSENT_GRANTED},
                 {"0", CONSENT_DENIED}};
    *out = by_default;
    if (text.size == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (bytes_equal(bytes_of_text(words[i].text), text)) {
            *out = words[i].consent;
            return true;
        }
    }
    return false;
}

static bool needs_item(enum event_type type) {
    return type == EVENT_PRODUCT_VIEWED || type == EVENT_PRODUCT_ADDED ||
           type == EVENT_PRODUCT_REMOVED;
}

static enum import_verdict convert_who_and_when(const struct importer *importer,
                                                const struct csv_row *row, struct event *out) {
    if (!parse_time_ms(text_of(importer, row, IMPORT_TIME), importer->time_format,
                       &out->event_ms)) {
        return IMPORT_BAD_TIME;
    }
    if (!find_type(importer->types, text_of(importer, row, IMPORT_TYPE), &out->type)) {
        return IMPORT_UNKNOWN_TYPE;
    }
    out->user_id = text_of(importer, row, IMPORT_USER);
    if (out->user_id.size == 0) {
        return IMPORT_MISSING_USER;
    }
    if (!parse_consent(text_of(importer, row, IMPORT_CONSENT), importer->settings->consent,
                       &out->consent)) {
        return IMPORT_BAD_CONSENT;
    }
    return check_text(out->user_id, EVENT_USER_BYTES_MAX);
}

static struct bytes text_or(struct bytes text, struct bytes by_default) {
    return text.size > 0 ? text : by_default;
}

static enum import_verdict convert_texts(const struct importer *importer, const struct csv_row *row,
                                         struct event *out) {
    out->event_id = text_of(importer, row, IMPORT_EVENT_ID);
    out->session_id = text_of(importer, row, IMPORT_SESSION);
    out->order_id = text_of(importer, row, IMPORT_ORDER);
    out->currency = text_or(text_of(importer, row, IMPORT_CURRENCY), importer->settings->currency);
    out->timezone = text_or(text_of(importer, row, IMPORT_TIMEZONE), importer->settings->timezone);
    struct bytes texts[] = {out->event_id, out->session_id, out->order_id, out->currency,
                            out->timezone};
    enum import_verdict verdict = IMPORT_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && verdict == IMPORT_OK; i++) {
        verdict = check_text(texts[i], EVENT_TEXT_BYTES_MAX);
    }
    return verdict;
}

static enum import_verdict convert_numbers(const struct importer *importer,
                                           const struct csv_row *row, struct event_line *line) {
    struct bytes price = text_of(importer, row, IMPORT_PRICE);
    line->price = NAN;
    if (price.size > 0 && !parse_number(price, &line->price)) {
        return IMPORT_BAD_PRICE;
    }
    if (importer->is_zero_price_missing && line->price == 0) {
        line->price = NAN;
    }
    struct bytes text = text_of(importer, row, IMPORT_QUANTITY);
    int64_t quantity = 1;
    if (text.size > 0 &&
        (!parse_integer(text, &quantity) || quantity < 1 || quantity > INT32_MAX)) {
        return IMPORT_BAD_QUANTITY;
    }
    line->quantity = (int32_t)quantity;
    return IMPORT_OK;
}

/* At most one line: an event of these logs is about one product. */
static enum import_verdict convert_line(const struct importer *importer, const struct csv_row *row,
                                        struct event *out) {
    struct event_line *line = &out->lines[0];
    line->item_id = text_of(importer, row, IMPORT_ITEM);
    line->category = text_or(text_of(importer, row, IMPORT_CATEGORY),
                             text_of(importer, row, IMPORT_CATEGORY_FALLBACK));
    line->brand = text_of(importer, row, IMPORT_BRAND);
    if (line->item_id.size == 0 && needs_item(out->type)) {
        return IMPORT_MISSING_ITEM;
    }
    struct bytes texts[] = {line->item_id, line->category, line->brand};
    enum import_verdict verdict = convert_numbers(importer, row, line);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && verdict == IMPORT_OK; i++) {
        verdict = check_text(texts[i], EVENT_TEXT_BYTES_MAX);
    }
    out->line_count = line->item_id.size > 0 ? 1 : 0;
    if (out->type == EVENT_ORDER_COMPLETED) {
        out->total = line->price * line->quantity;
        verdict = isinf(out->total) ? IMPORT_BAD_PRICE : verdict;
    }
    return verdict;
}

enum import_verdict import_convert(const struct importer *importer, const struct csv_row *row,
                                   struct event *out) {
    event_clear(out, out->lines);
    enum import_verdict verdict = convert_who_and_when(importer, row, out);
    if (verdict == IMPORT_OK) {
        verdict = convert_line(importer, row, out);
    }
    if (verdict == IMPORT_OK) {
        verdict = convert_texts(importer, row, out);
    }
    return verdict;
}
