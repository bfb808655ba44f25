/* emit_text: the texts of a push that people read: title and body from an offer's templates, and
 * the reason.
 *
 * Values come from outside (item names, currencies, user ids), so they are inserted as text: never
 * taken for a template again, without control and direction characters, invalid UTF-8 left out,
 * item names cut at 80 bytes. Numbers are written digit by digit: no locale, the same bytes
 * everywhere. Pure; append to out and cannot fail. */
#ifndef PROMOSTREAM_ROOMS_EMIT_TEXT_H
#define PROMOSTREAM_ROOMS_EMIT_TEXT_H

#include "consumer/rooms/offers.h"

#define EMIT_ITEM_NAME_BYTES_MAX 80

/* Renders a template into out; unknown {names} stay as they are (decide_config_check has refused
 * them). */
void emit_render(const char *template_text, const struct decision *decision,
                 const struct offer *offer, struct buffer *out);

/* Why this user gets this push, in one sentence: "cart of 3 items worth 84.90 EUR quiet since 14:05
 * UTC; written rule cart_abandoned -> ten_percent". What is unknown is left out. */
void emit_reason(const struct decision *decision, const struct offer *offer, struct buffer *out);

/* An amount in the decimals of its currency (ISO 4217: 84.90 EUR, 8490 JPY), rounded half away from
 * zero. Nothing for NaN; bounded at +-9e12. */
void emit_amount(double amount, struct bytes currency, struct buffer *out);

/* Text from outside, cleaned as above; at most bytes_max of it, then "..." (0 = whole). */
void emit_outside_text(struct bytes text, size_t bytes_max, struct buffer *out);

#endif
