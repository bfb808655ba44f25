#include <math.h>
#include <stdio.h>

#include "schemas/mapping.h"
#include "schemas/mapping_number.h"

#define EVENT_MS_MAX INT64_C(1000000000000000) /* the year 33658: clean refuses far less */

/* Offsets come from offsetof on the struct that the caller passes, so alignment holds. */
#define FIELD(type, record, field) (*(type *)(void *)((uint8_t *)(record) + (field)->offset))

/* ---- Texts ---- */

static const struct mapping_value *find_value(const struct mapping_field *field,
                                              struct bytes text) {
    size_t low = 0, high = field->value_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(field->values[middle].from, text);
        if (order == 0) {
            return &field->values[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

/* Numbers that are ids: 17, not 17.000000; what is not whole as its shortest exact form would be
 * longer than anybody's id, 17 digits do. */
static bool write_number(struct mapped value, struct mapping_scratch *scratch, struct bytes *out) {
    char *at = scratch->bytes + scratch->size;
    size_t room = sizeof scratch->bytes - scratch->size;
    bool is_whole = value.kind == MAPPED_LONG || (fabs(value.number) < 9007199254740992.0 &&
                                                  value.number == floor(value.number));
    int size = is_whole ? snprintf(at, room, "%lld",
                                   value.kind == MAPPED_LONG ? (long long)value.integer
                                                             : (long long)value.number)
                        : snprintf(at, room, "%.17g", value.number);
    if (size < 0 || (size_t)size >= room) {
        return false;
    }
    scratch->size += (size_t)size;
    *out = bytes_of(at, (size_t)size);
    return true;
}

static bool text_of(struct mapped value, struct mapping_scratch *scratch, struct bytes *out) {
    switch (value.kind) {
    case MAPPED_TEXT:
        *out = value.text;
        return true;
    case MAPPED_BOOLEAN:
        *out = bytes_of_text(value.boolean ? "true" : "false");
        return true;
    case MAPPED_DOUBLE:
        if (!isfinite(value.number)) {
            *out = bytes_of_text(""); /* tables in memory write NaN for nothing: no user "nan" */
            return true;
        }
        /* fall through */
    case MAPPED_LONG:
        return write_number(value, scratch, out);
    }
    return false;
}

static enum event_verdict store_text(const struct mapping_field *field, struct bytes text,
                                     void *record, bool *out_is_present) {
    if (field->value_count > 0) {
        const struct mapping_value *value = find_value(field, text);
        text = value ? value->to : text;
    }
    if (text.size > field->text_bytes_max) {
        return EVENT_TEXT_TOO_LONG;
    }
    *out_is_present = text.size > 0;
    if (text.size > 0) {
        FIELD(struct bytes, record, field) = text;
    }
    return EVENT_OK;
}

static int consent_of_name(struct bytes name) {
    return bytes_equal(name, bytes_of_text("granted"))  ? CONSENT_GRANTED
           : bytes_equal(name, bytes_of_text("denied")) ? CONSENT_DENIED
                                                        : CONSENT_UNKNOWN;
}

static void store_code(const struct mapping_field *field, struct bytes text, void *record,
                       bool *out_is_present) {
    *out_is_present = text.size > 0;
    if (text.size == 0) {
        return;
    }
    const struct mapping_value *value = find_value(field, text);
    if (field->kind == MAPPING_TYPE) {
        FIELD(enum event_type, record, field) =
            value ? (enum event_type)value->code : event_type_of_name(text);
    } else {
        FIELD(enum consent, record, field) =
            (enum consent)(value ? value->code : consent_of_name(text));
    }
}

/* ---- Times ---- */

static int64_t floor_divide(int64_t value, int64_t divisor) {
    return value / divisor - (value % divisor < 0);
}

static bool scale_time(int64_t value, enum mapping_unit unit, int64_t *out_ms) {
    switch (unit) {
    case UNIT_US:
        *out_ms = floor_divide(value, 1000);
        break;
    case UNIT_NS:
        *out_ms = floor_divide(value, 1000000);
        break;
    case UNIT_S:
        if (value > EVENT_MS_MAX / 1000 || value < -EVENT_MS_MAX / 1000) {
            return false;
        }
        *out_ms = value * 1000;
        break;
    default:
        *out_ms = value;
    }
    return *out_ms <= EVENT_MS_MAX && *out_ms >= -EVENT_MS_MAX;
}

/* A fraction of a unit is a fraction of a time too: 1732564208.123 s. */
static bool scale_real_time(double value, enum mapping_unit unit, int64_t *out_ms) {
    double ms = unit == UNIT_S    ? value * 1000
                : unit == UNIT_US ? value / 1000
                : unit == UNIT_NS ? value / 1000000
                                  : value;
    if (!(fabs(ms) <= (double)EVENT_MS_MAX)) {
        return false;
    }
    *out_ms = (int64_t)llround(ms);
    return true;
}

static bool time_of_text(struct bytes text, enum mapping_unit unit, int64_t *out_ms) {
    int64_t integer;
    double number;
    if (unit == UNIT_AUTO) {
        return mapping_parse_time(text, out_ms);
    }
    if (mapping_parse_integer(text, &integer)) {
        return scale_time(integer, unit, out_ms);
    }
    return mapping_parse_number(text, &number) && scale_real_time(number, unit, out_ms);
}

static enum event_verdict store_time(const struct mapping_field *field, struct mapped value,
                                     void *record, bool *out_is_present) {
    enum mapping_unit unit = field->unit != UNIT_AUTO ? field->unit : value.unit;
    int64_t ms = 0;
    bool is_time = false;
    if (value.kind == MAPPED_TEXT && value.text.size == 0) {
        return EVENT_OK;
    }
    switch (value.kind) {
    case MAPPED_LONG:
        is_time = scale_time(value.integer, unit, &ms);
        break;
    case MAPPED_DOUBLE:
        is_time = scale_real_time(value.number, unit, &ms);
        break;
    case MAPPED_TEXT:
        is_time = time_of_text(value.text, field->unit, &ms);
        break;
    case MAPPED_BOOLEAN:
        break;
    }
    if (!is_time) {
        return EVENT_BAD_VALUE;
    }
    *out_is_present = true;
    FIELD(int64_t, record, field) = ms;
    return EVENT_OK;
}

/* ---- Numbers ---- */

static bool number_of(struct mapped value, double *out) {
    switch (value.kind) {
    case MAPPED_LONG:
        *out = (double)value.integer;
        return true;
    case MAPPED_DOUBLE:
        *out = value.number;
        return true;
    case MAPPED_TEXT:
        return mapping_parse_number(value.text, out);
    case MAPPED_BOOLEAN:
        break;
    }
    return false;
}

static enum event_verdict store_number(const struct mapping_field *field, struct mapped value,
                                       void *record, bool *out_is_present) {
    double number;
    if (value.kind == MAPPED_TEXT && value.text.size == 0) {
        return EVENT_OK;
    }
    if (!number_of(value, &number)) {
        return EVENT_BAD_VALUE;
    }
    if (field->kind == MAPPING_COUNT) {
        if (!(number >= 0 && number < INT32_MAX + 1.0)) {
            return EVENT_BAD_VALUE;
        }
        FIELD(int32_t, record, field) = number < 1 ? 1 : (int32_t)number;
        *out_is_present = true;
        return EVENT_OK;
    }
    if (isfinite(number)) {
        FIELD(double, record, field) = field->unit == UNIT_CENTS    ? number / 100
                                       : field->unit == UNIT_MICROS ? number / 1000000
                                                                    : number;
        *out_is_present = true;
    }
    return EVENT_OK;
}

/* ---- All kinds ---- */

enum event_verdict mapping_store(const struct mapping_field *field, struct mapped value,
                                 struct mapping_scratch *scratch, void *record,
                                 bool *out_is_present) {
    struct bytes text;
    *out_is_present = false;
    switch (field->kind) {
    case MAPPING_TEXT:
        return text_of(value, scratch, &text) ? store_text(field, text, record, out_is_present)
                                              : EVENT_TEXT_TOO_LONG;
    case MAPPING_TYPE:
    case MAPPING_CONSENT:
        if (!text_of(value, scratch, &text)) {
            return EVENT_TEXT_TOO_LONG;
        }
        store_code(field, text, record, out_is_present);
        return EVENT_OK;
    case MAPPING_TIME:
        return store_time(field, value, record, out_is_present);
    case MAPPING_NUMBER:
    case MAPPING_COUNT:
        return store_number(field, value, record, out_is_present);
    }
    return EVENT_BAD_VALUE;
}

void mapping_store_default(const struct mapping_field *field, void *record) {
    switch (field->kind) {
    case MAPPING_TYPE:
        FIELD(enum event_type, record, field) = (enum event_type)field->default_code;
        break;
    case MAPPING_CONSENT:
        FIELD(enum consent, record, field) = (enum consent)field->default_code;
        break;
    case MAPPING_TIME:
        FIELD(int64_t, record, field) = INT64_MIN;
        break;
    case MAPPING_TEXT:
        FIELD(struct bytes, record, field) = field->default_text;
        break;
    case MAPPING_NUMBER:
        FIELD(double, record, field) = field->has_default ? field->default_number : (double)NAN;
        break;
    case MAPPING_COUNT:
        FIELD(int32_t, record, field) = (int32_t)field->default_number;
        break;
    }
}
