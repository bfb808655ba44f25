#include "consumer/rooms/emit_text.h"

#include <inttypes.h>
#include <math.h>

#include "consumer/rooms/features.h"
#include "consumer/rooms/template.h"

#define AMOUNT_MAX 9e12
#define DAY_MS     INT64_C(86400000)

/* ---- text from outside ---- */

/* Reads one UTF-8 character (RFC 3629: shortest form, no surrogates). Returns its bytes, 0 if there
 * is none. */
static size_t read_character(struct bytes text, uint32_t *out) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = text.data[0];
    size_t size = lead < 0x80   ? 1
                  : lead < 0xc0 ? 0
                  : lead < 0xe0 ? 2
                  : lead < 0xf0 ? 3
                  : lead < 0xf8 ? 4
                                : 0;
    if (size <= 1) {
        *out = lead;
        return size;
    }
    if (size > text.size) {
        return 0;
    }
    uint32_t character = lead & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
        character = character << 6 | (text.data[i] & 0x3f);
    }
    *out = character;
    bool is_surrogate = character >= 0xd800 && character < 0xe000;
    return character < smallest[size] || character > 0x10ffff || is_surrogate ? 0 : size;
}

/* Control characters, line and paragraph separators, and those that turn the direction of the text
 * around them. */
static bool is_unwanted(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c || c == 0xfeff;
}

void emit_outside_text(struct bytes text, size_t bytes_max, struct buffer *out) {
    size_t written = 0;
    while (text.size > 0) {
        uint32_t character = 0;
        size_t size = read_character(text, &character);
        if (size > 0 && !is_unwanted(character)) {
            if (bytes_max > 0 && written + size > bytes_max) {
                buffer_append(out, bytes_of_text("..."));
                return;
            }
            buffer_append(out, bytes_of(text.data, size));
            written += size;
        }
        size = size ? size : 1;
        text = bytes_of(text.data + size, text.size - size);
    }
}

/* ---- numbers ---- */

/* Decimals of the currencies of ISO 4217 that have not two. */
static int currency_decimals(struct bytes currency) {
    static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ";
    static const char three[] = "BHD IQD JOD KWD LYD OMR TND ";
    for (size_t i = 0; currency.size == 3 && i + 4 < sizeof none; i += 4) {
        if (memcmp(none + i, currency.data, 3) == 0) {
            return 0;
        }
        if (i + 4 < sizeof three && memcmp(three + i, currency.data, 3) == 0) {
            return 3;
        }
    }
    return 2;
}

static void append_decimal(double value, int decimals, struct buffer *out) {
    static const int64_t scales[] = {1, 10, 100, 1000};
    double bounded = fmax(-AMOUNT_MAX, fmin(AMOUNT_MAX, value));
    int64_t scaled = llround(bounded * (double)scales[decimals]);
    int64_t size = scaled < 0 ? -scaled : scaled;
    buffer_format(out, "%s%" PRId64, scaled < 0 ? "-" : "", size / scales[decimals]);
    if (decimals > 0) {
        buffer_format(out, ".%0*" PRId64, decimals, size % scales[decimals]);
    }
}

void emit_amount(double amount, struct bytes currency, struct buffer *out) {
    if (!isnan(amount)) {
        append_decimal(amount, currency_decimals(currency), out);
    }
}

/* "10" and "12.5" percent; "5" and "12.50" of a currency: whole numbers read better bare. */
static void append_offer_value(const struct offer *offer, struct bytes currency,
                               struct buffer *out) {
    bool is_percent = offer->kind == OFFER_PERCENT_OFF;
    if (!is_percent && offer->kind != OFFER_AMOUNT_OFF) {
        return;
    }
    double cents = round(offer->value * 100);
    if (fmod(cents, 100) == 0) {
        append_decimal(offer->value, 0, out);
    } else if (is_percent) {
        append_decimal(offer->value, fmod(cents, 10) == 0 ? 1 : 2, out);
    } else {
        emit_amount(offer->value, currency, out);
    }
}

/* ---- templates ---- */

static void append_item(const struct push_item *item, struct buffer *out) {
    emit_outside_text(item->name.size ? item->name : item->id, EMIT_ITEM_NAME_BYTES_MAX, out);
}

static double frozen_number(const struct decision *decision, enum feature_number number) {
    return (size_t)number < decision->number_count ? decision->numbers[number] : (double)NAN;
}

/* Lines of the cart, also those beyond the items that a decision carries; without a cart the items
 * looked at. */
static int64_t item_total(const struct decision *decision) {
    double lines = frozen_number(decision, FEATURE_CART_LINES) +
                   frozen_number(decision, FEATURE_CART_OVERFLOW);
    bool is_more = lines > (double)decision->item_count; /* false for NaN */
    return is_more ? (int64_t)lines : (int64_t)decision->item_count;
}

static void append_field(enum template_piece_kind field, const struct decision *decision,
                         const struct offer *offer, struct buffer *out) {
    switch (field) {
    case TEMPLATE_USER_ID:
        emit_outside_text(decision->user_id, 0, out);
        break;
    case TEMPLATE_ITEM:
        if (decision->item_count > 0) {
            append_item(&decision->items[0], out);
        }
        break;
    case TEMPLATE_ITEMS:
        for (size_t i = 0; i < decision->item_count; i++) {
            buffer_append(out, bytes_of_text(i ? ", " : ""));
            append_item(&decision->items[i], out);
        }
        break;
    case TEMPLATE_ITEM_COUNT:
        buffer_format(out, "%" PRId64, item_total(decision));
        break;
    case TEMPLATE_CART_VALUE:
        emit_amount(decision->cart_value, decision->currency, out);
        break;
    case TEMPLATE_CURRENCY:
        emit_outside_text(decision->currency, 0, out);
        break;
    case TEMPLATE_OFFER_VALUE:
        append_offer_value(offer, decision->currency, out);
        break;
    case TEMPLATE_TEXT:
    case TEMPLATE_UNKNOWN:
        break;
    }
}

void emit_render(const char *template_text, const struct decision *decision,
                 const struct offer *offer, struct buffer *out) {
    struct bytes rest = bytes_of_text(template_text);
    struct template_piece piece;
    while (template_next(&rest, &piece)) {
        if (piece.kind == TEMPLATE_TEXT || piece.kind == TEMPLATE_UNKNOWN) {
            buffer_append(out, piece.text);
        } else {
            append_field(piece.kind, decision, offer, out);
        }
    }
}

/* ---- reason ---- */

/* When the user fell quiet, from the frozen features; TIME_NONE if they do not tell. */
static int64_t quiet_since_ms(const struct decision *decision) {
    double age_ms = NAN;
    switch (decision->trigger) {
    case TRIGGER_CART_ABANDONED:
        age_ms = frozen_number(decision, FEATURE_CART_IDLE_H) * 3.6e6;
        break;
    case TRIGGER_CHECKOUT_ABANDONED:
        age_ms = frozen_number(decision, FEATURE_SINCE_CHECKOUT_S) * 1e3;
        break;
    case TRIGGER_BROWSE_ABANDONED:
        age_ms = frozen_number(decision, FEATURE_SINCE_EVENT_S) * 1e3;
        break;
    case TRIGGER_OBSERVE:
    case TRIGGER_COUNT:
        break;
    }
    return isnan(age_ms) ? TIME_NONE : decision->decided_ms - llround(age_ms);
}

/* Days since 1970 to a date of the civil calendar (H. Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static void append_date(int64_t day, struct buffer *out) {
    int64_t shifted = day + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    buffer_format(out, "%04" PRId64 "-%02" PRId64 "-%02" PRId64,
                  year_of_era + era * 400 + (month <= 2), month,
                  day_of_year - (153 * month_from_march + 2) / 5 + 1);
}

/* "14:05 UTC", with the date where it is not the day of the decision. */
static void append_time(int64_t at_ms, int64_t decided_ms, struct buffer *out) {
    int64_t in_day_ms = ((at_ms % DAY_MS) + DAY_MS) % DAY_MS;
    int64_t day = (at_ms - in_day_ms) / DAY_MS;
    if (day * DAY_MS > decided_ms || decided_ms - day * DAY_MS >= DAY_MS) {
        append_date(day, out);
        buffer_append_byte(out, ' ');
    }
    buffer_format(out, "%02" PRId64 ":%02" PRId64 " UTC", in_day_ms / 3600000,
                  in_day_ms / 60000 % 60);
}

static void append_count(const char *before, int64_t count, struct buffer *out) {
    buffer_format(out, "%s%" PRId64 " item%s", before, count, count == 1 ? "" : "s");
}

static void append_subject(const struct decision *decision, struct buffer *out) {
    int64_t count = item_total(decision);
    bool is_browse = decision->trigger == TRIGGER_BROWSE_ABANDONED;
    bool is_checkout = decision->trigger == TRIGGER_CHECKOUT_ABANDONED;
    append_count(is_browse ? "looked at " : is_checkout ? "checkout of " : "cart of ", count, out);
    if (is_browse) {
        buffer_append(out, bytes_of_text(" and left the cart empty,"));
    } else if (!isnan(decision->cart_value)) {
        buffer_append(out, bytes_of_text(" worth "));
        emit_amount(decision->cart_value, decision->currency, out);
        buffer_append(out, bytes_of_text(decision->currency.size ? " " : ""));
        emit_outside_text(decision->currency, 0, out);
    }
}

void emit_reason(const struct decision *decision, const struct offer *offer, struct buffer *out) {
    append_subject(decision, out);
    buffer_append(out,
                  bytes_of_text(decision->trigger == TRIGGER_CHECKOUT_ABANDONED ? " not finished"
                                                                                : " quiet"));
    int64_t since_ms = quiet_since_ms(decision);
    if (since_ms != TIME_NONE) {
        buffer_append(out, bytes_of_text(" since "));
        append_time(since_ms, decision->decided_ms, out);
    }
    static const char *const by[POLICY_COUNT] = {
        [POLICY_NONE] = "written rule",          [POLICY_RULE] = "written rule",
        [POLICY_TRIAL] = "trial of a new offer", [POLICY_VALUE] = "most expected profit",
        [POLICY_NOT_FINITE] = "written rule",    [POLICY_MISCALIBRATED] = "written rule"};
    buffer_format(out, "; %s %s -> %s", by[decision->policy], trigger_names[decision->trigger],
                  offer->id);
}
