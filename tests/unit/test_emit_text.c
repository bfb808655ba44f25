/* emit_text: what people read: templates, amounts, reasons, and nothing that a name could smuggle
 * in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/rooms/emit_text.h"
#include "consumer/rooms/features.h"
#include "tests/support/decide_fixture.h"

struct scene {
    struct decide_fixture fixture;
    struct decision decision;
    struct buffer out;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    decide_fixture_init(&scene->fixture, 1);
    decide_fixture_decision("anna", &scene->decision);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    decide_fixture_clean_up(&scene->fixture);
    buffer_clean_up(&scene->out);
    free(scene);
    return 0;
}

static void expect(struct scene *scene, const char *expected) {
    buffer_append_byte(&scene->out, '\0');
    assert_string_equal((const char *)scene->out.data, expected);
    buffer_clear(&scene->out);
}

static void expect_render(struct scene *scene, enum fixture_offer offer, const char *text,
                          const char *expected) {
    emit_render(text, &scene->decision, &scene->fixture.offers[offer], &scene->out);
    expect(scene, expected);
}

static void expect_reason(struct scene *scene, enum fixture_offer offer, const char *expected) {
    emit_reason(&scene->decision, &scene->fixture.offers[offer], &scene->out);
    expect(scene, expected);
}

static void expect_amount(struct scene *scene, double amount, const char *currency,
                          const char *expected) {
    emit_amount(amount, bytes_of_text(currency), &scene->out);
    expect(scene, expected);
}

/* ---- templates ---- */

static void every_field_is_rendered(void **state) {
    struct scene *scene = *state;
    expect_render(scene, FIXTURE_TEN_PERCENT, "", "");
    expect_render(scene, FIXTURE_TEN_PERCENT, "{user_id}: {item}", "anna: Red shoes");
    expect_render(scene, FIXTURE_TEN_PERCENT, "{items} ({item_count})",
                  "Red shoes, Socks, i-3 (3)");
    expect_render(scene, FIXTURE_TEN_PERCENT, "{cart_value} {currency}", "84.90 EUR");
    expect_render(scene, FIXTURE_TEN_PERCENT, "{offer_value} %", "10 %");
}

static void offer_values_read_as_people_write_them(void **state) {
    struct scene *scene = *state;
    struct offer *offers = scene->fixture.offers;
    offers[FIXTURE_TEN_PERCENT].value = 12.5;
    expect_render(scene, FIXTURE_TEN_PERCENT, "{offer_value}", "12.5");
    offers[FIXTURE_TEN_PERCENT].value = 33.25;
    expect_render(scene, FIXTURE_TEN_PERCENT, "{offer_value}", "33.25");
    expect_render(scene, FIXTURE_FIVE_OFF, "{offer_value}", "5");
    offers[FIXTURE_FIVE_OFF].value = 2.5;
    expect_render(scene, FIXTURE_FIVE_OFF, "{offer_value}", "2.50");
    expect_render(scene, FIXTURE_SHIPPING, "[{offer_value}]", "[]");
    expect_render(scene, FIXTURE_REMINDER, "[{offer_value}]", "[]");
}

static void what_is_unknown_is_empty(void **state) {
    struct scene *scene = *state;
    scene->decision.item_count = 0;
    scene->decision.cart_value = NAN;
    scene->decision.currency = bytes_of(NULL, 0);
    expect_render(scene, FIXTURE_TEN_PERCENT,
                  "[{item}][{items}][{item_count}][{cart_value}][{currency}]", "[][][0][][]");
}

static void unknown_fields_stay_as_they_are(void **state) {
    expect_render(*state, FIXTURE_TEN_PERCENT, "{price} {", "{price} {");
}

static void a_name_is_never_a_template(void **state) {
    struct scene *scene = *state;
    scene->decision.items[0].name = bytes_of_text("{user_id}{item}%s%n{");
    expect_render(scene, FIXTURE_TEN_PERCENT, "<{item}>", "<{user_id}{item}%s%n{>");
}

static void expect_clean(struct scene *scene, const char *text, size_t size, const char *expected) {
    emit_outside_text(bytes_of(text, size), 0, &scene->out);
    expect(scene, expected);
}
#define EXPECT_CLEAN(scene, text, expected) expect_clean(scene, text, sizeof(text) - 1, expected)

static void control_characters_are_dropped(void **state) {
    struct scene *scene = *state;
    EXPECT_CLEAN(scene, "a\0b\nc\r\td\x1b[31me\x7f", "abcd[31me");
    EXPECT_CLEAN(scene,
                 "x\xc2\x9b"
                 "31my\xc2\x80z",
                 "x31myz");
    EXPECT_CLEAN(scene, "left\xe2\x80\xaeright\xe2\x81\xa6\xe2\x80\xa8!", "leftright!");
    EXPECT_CLEAN(scene,
                 "Gr\xc3\xb6\xc3\x9f"
                 "e \xe9\x9e\x8b \xf0\x9f\x91\x9f",
                 "Gr\xc3\xb6\xc3\x9f"
                 "e \xe9\x9e\x8b \xf0\x9f\x91\x9f");
}

static void what_is_not_utf8_is_dropped(void **state) {
    struct scene *scene = *state;
    EXPECT_CLEAN(scene,
                 "a\xff"
                 "b\x80"
                 "c\xc3",
                 "abc");
    EXPECT_CLEAN(scene,
                 "a\xc0\xaf"
                 "b",
                 "ab"); /* overlong */
    EXPECT_CLEAN(scene,
                 "a\xe0\x80\xaf"
                 "b",
                 "ab");
    EXPECT_CLEAN(scene,
                 "a\xed\xa0\x80"
                 "b",
                 "ab"); /* surrogate */
    EXPECT_CLEAN(scene,
                 "a\xf4\x90\x80\x80"
                 "b",
                 "ab"); /* beyond U+10FFFF */
    EXPECT_CLEAN(scene,
                 "a\xe9\x9e"
                 "b",
                 "ab"); /* cut */
    EXPECT_CLEAN(scene, "\xf0\x9f\x91", "");
}

static void long_names_are_cut_between_characters(void **state) {
    struct scene *scene = *state;
    char name[201], expected[EMIT_ITEM_NAME_BYTES_MAX + 4];
    for (size_t i = 0; i < 200; i += 2) {
        memcpy(name + i, "\xc3\xb6", 2);
    }
    name[0] = 'x'; /* x, then a continuation byte alone (dropped), then 99 two-byte characters */
    memcpy(expected, "x", 1);
    size_t size = 1;
    for (; size + 2 <= EMIT_ITEM_NAME_BYTES_MAX; size += 2) {
        memcpy(expected + size, "\xc3\xb6", 2);
    }
    memcpy(expected + size, "...", 4);
    scene->decision.items[0].name = bytes_of(name, 200);
    expect_render(scene, FIXTURE_TEN_PERCENT, "{item}", expected);
    memset(name, 'y', EMIT_ITEM_NAME_BYTES_MAX);
    name[EMIT_ITEM_NAME_BYTES_MAX] = '\0';
    scene->decision.items[0].name = bytes_of(name, EMIT_ITEM_NAME_BYTES_MAX);
    expect_render(scene, FIXTURE_TEN_PERCENT, "{item}", name); /* whole */
}

static void a_big_cart_counts_all_its_lines(void **state) {
    struct scene *scene = *state;
    scene->decision.number_count = FEATURE_NUMBER_COUNT;
    scene->decision.numbers[FEATURE_CART_LINES] = 50;
    scene->decision.numbers[FEATURE_CART_OVERFLOW] = 4;
    expect_render(scene, FIXTURE_TEN_PERCENT, "{item_count}", "54");
    scene->decision.numbers[FEATURE_CART_LINES] = NAN;
    expect_render(scene, FIXTURE_TEN_PERCENT, "{item_count}", "3");
}

/* ---- amounts ---- */

static void amounts_have_the_decimals_of_their_currency(void **state) {
    struct scene *scene = *state;
    expect_amount(scene, 84.9, "EUR", "84.90");
    expect_amount(scene, 0, "EUR", "0.00");
    expect_amount(scene, 0.004, "EUR", "0.00");
    expect_amount(scene, 0.05, "", "0.05");
    expect_amount(scene, 1234567.891, "USD", "1234567.89");
    expect_amount(scene, 8490.4, "JPY", "8490");
    expect_amount(scene, 8490.5, "XPF", "8491");
    expect_amount(scene, 1.2345, "KWD", "1.235");
    expect_amount(scene, 1.5, "TND", "1.500");
    expect_amount(scene, 1.5, "BHD", "1.500");
    expect_amount(scene, 1.5, "BIF", "2");
    expect_amount(scene, 1.5, "PY ", "1.50");
    expect_amount(scene, -3.5, "EUR", "-3.50");
    expect_amount(scene, NAN, "EUR", "");
    expect_amount(scene, INFINITY, "EUR", "9000000000000.00");
    expect_amount(scene, -1e300, "KWD", "-9000000000000.000");
}

static void no_locale_changes_a_number(void **state) {
    const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    for (size_t i = 0; i < 3; i++) {
        (void)setlocale(LC_ALL, locales[i]); /* where it is installed */
        expect_amount(*state, 1234.5, "EUR", "1234.50");
    }
    (void)setlocale(LC_ALL, "C");
}

/* ---- reasons ---- */

static void freeze(struct scene *scene, enum trigger trigger, enum feature_number number,
                   double value) {
    scene->decision.trigger = trigger;
    scene->decision.number_count = FEATURE_NUMBER_COUNT;
    for (size_t i = 0; i < FEATURE_NUMBER_COUNT; i++) {
        scene->decision.numbers[i] = NAN;
    }
    scene->decision.numbers[number] = value;
}

static void the_reason_is_a_sentence(void **state) {
    struct scene *scene = *state;
    scene->decision.decided_ms = FIXTURE_NOON_MS + 2 * FIXTURE_HOUR_MS + 25 * 60000;
    freeze(scene, TRIGGER_CART_ABANDONED, FEATURE_CART_IDLE_H, 20.0 / 60);
    expect_reason(scene, FIXTURE_TEN_PERCENT,
                  "cart of 3 items worth 84.90 EUR quiet since 14:05 UTC; "
                  "written rule cart_abandoned -> ten_percent");
    freeze(scene, TRIGGER_CHECKOUT_ABANDONED, FEATURE_SINCE_CHECKOUT_S, 1200);
    expect_reason(scene, FIXTURE_FIVE_OFF,
                  "checkout of 3 items worth 84.90 EUR not finished since 14:05 UTC; "
                  "written rule checkout_abandoned -> five_off");
    freeze(scene, TRIGGER_BROWSE_ABANDONED, FEATURE_SINCE_EVENT_S, 1200);
    expect_reason(scene, FIXTURE_REMINDER,
                  "looked at 3 items and left the cart empty, quiet since 14:05 UTC; "
                  "written rule browse_abandoned -> reminder");
}

static void the_reason_leaves_out_what_is_unknown(void **state) {
    struct scene *scene = *state;
    scene->decision.item_count = 1;
    scene->decision.cart_value = NAN;
    expect_reason(scene, FIXTURE_TEN_PERCENT,
                  "cart of 1 item quiet; written rule cart_abandoned -> ten_percent");
    scene->decision.cart_value = 5;
    scene->decision.currency = bytes_of(NULL, 0);
    expect_reason(scene, FIXTURE_TEN_PERCENT,
                  "cart of 1 item worth 5.00 quiet; written rule cart_abandoned -> ten_percent");
}

static void another_day_is_named(void **state) {
    struct scene *scene = *state;
    struct {
        double hours;
        const char *since;
    } const cases[] = {
        {12, "00:00 UTC"},
        {12 + 1.0 / 60, "2026-03-09 23:59 UTC"},
        {24 * 9 + 12.5, "2026-02-28 23:30 UTC"},
        {24 * (365 + 365 + 10), "2024-02-29 12:00 UTC"},
        {24 * 20522, "1970-01-01 12:00 UTC"},
        {24 * 20523, "1969-12-31 12:00 UTC"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[160];
        snprintf(expected, sizeof expected,
                 "cart of 3 items worth 84.90 EUR quiet since %s; written rule cart_abandoned -> "
                 "ten_percent",
                 cases[i].since);
        freeze(scene, TRIGGER_CART_ABANDONED, FEATURE_CART_IDLE_H, cases[i].hours);
        expect_reason(scene, FIXTURE_TEN_PERCENT, expected);
    }
}

static void a_whole_day_ago_is_another_day(void **state) {
    struct scene *scene = *state;
    scene->decision.decided_ms = FIXTURE_NOON_MS - 12 * FIXTURE_HOUR_MS;
    freeze(scene, TRIGGER_CART_ABANDONED, FEATURE_CART_IDLE_H, 24);
    expect_reason(scene, FIXTURE_TEN_PERCENT,
                  "cart of 3 items worth 84.90 EUR quiet since 2026-03-09 00:00 UTC; written rule "
                  "cart_abandoned -> ten_percent");
}

static void a_hostile_currency_cannot_break_the_line(void **state) {
    struct scene *scene = *state;
    scene->decision.currency = bytes_of("E\nR", 3);
    expect_reason(scene, FIXTURE_TEN_PERCENT,
                  "cart of 3 items worth 84.90 ER quiet; written rule cart_abandoned -> "
                  "ten_percent");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_field_is_rendered),
        TEST(offer_values_read_as_people_write_them),
        TEST(what_is_unknown_is_empty),
        TEST(unknown_fields_stay_as_they_are),
        TEST(a_name_is_never_a_template),
        TEST(control_characters_are_dropped),
        TEST(what_is_not_utf8_is_dropped),
        TEST(long_names_are_cut_between_characters),
        TEST(a_big_cart_counts_all_its_lines),
        TEST(amounts_have_the_decimals_of_their_currency),
        TEST(no_locale_changes_a_number),
        TEST(the_reason_is_a_sentence),
        TEST(the_reason_leaves_out_what_is_unknown),
        TEST(another_day_is_named),
        TEST(a_whole_day_ago_is_another_day),
        TEST(a_hostile_currency_cannot_break_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
