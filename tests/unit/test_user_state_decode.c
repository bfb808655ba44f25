/* user_state_decode: every field comes back; rows that are not valid leave nothing behind. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/user_rows.h"

static void comes_back_field_by_field(void **state) {
    (void)state;
    struct user_state users[] = {every_field_user(), typical_user(), user_of(""), user_of("u")};
    (void)add_active(&users[3]);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        user_rows_check_round_trip(&users[i]);
        row_check(&user_rows_codec, &users[i], NULL);
        user_state_clean_up(&users[i]);
    }
}

/* Where the dedup ring of an otherwise empty user begins: behind "u1", 6 nulls or empty arrays
 * (key, 4 times, counters), a float, a null, a float and 3 empty arrays. */
#define DEDUP_AT (3 + 6 + 4 + 1 + 4 + 3)

static bool decodes_with(struct bytes body, size_t at, size_t cut, struct bytes put) {
    struct buffer changed = {0};
    struct user_state user = {0};
    buffer_append(&changed, bytes_of(body.data, at));
    buffer_append(&changed, put);
    buffer_append(&changed, bytes_of(body.data + at + cut, body.size - at - cut));
    bool is_valid = user_rows_decode(buffer_bytes(&changed), &user);
    user_state_clean_up(&user);
    buffer_clean_up(&changed);
    return is_valid;
}

#define BYTES(...) bytes_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void refuses_what_no_encoder_writes(void **state) {
    (void)state;
    struct user_state user = user_of("u1");
    struct buffer out = {0};
    user_rows_encode(&user, &out);
    struct bytes body = buffer_bytes(&out);
    assert_true(decodes_with(body, DEDUP_AT, 0, (struct bytes){0}));
    /* A ring of 5 bytes; of 17 entries; a next slot beyond it. */
    assert_true(decodes_with(body, DEDUP_AT, 1, BYTES(12, 1, 2, 3, 4, 5, 6)));
    assert_false(decodes_with(body, DEDUP_AT, 1, BYTES(10, 1, 2, 3, 4, 5)));
    uint8_t ring[2 + 17 * 6] = {0xcc, 0x01};
    assert_false(decodes_with(body, DEDUP_AT, 1, bytes_of(ring, sizeof(ring))));
    assert_true(decodes_with(body, DEDUP_AT + 1, 1, BYTES(30)));
    assert_false(decodes_with(body, DEDUP_AT + 1, 1, BYTES(32)));
    /* A tally of 65536. */
    assert_true(decodes_with(body, DEDUP_AT + 3, 1, BYTES(0xfe, 0xff, 0x07)));
    assert_false(decodes_with(body, DEDUP_AT + 3, 1, BYTES(0x80, 0x80, 0x08)));
    /* One counter; the same kind twice; a kind that is not. */
    static const uint8_t counters[] = {2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
                                       2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    assert_true(decodes_with(body, 8, 0, bytes_of(counters, 15)));
    assert_false(decodes_with(body, 8, 1, bytes_of(counters, sizeof(counters))));
    assert_false(decodes_with(body, 9, 0, BYTES(2, 10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
    buffer_clean_up(&out);
    user_state_clean_up(&user);
}

static void passes_over_a_reserved_key(void **state) {
    (void)state;
    struct user_state user = user_of("u1");
    struct buffer out = {0};
    user_rows_encode(&user, &out);
    assert_true(decodes_with(buffer_bytes(&out), 3, 1, BYTES(2, 4, 'k', '1')));
    buffer_clean_up(&out);
    user_state_clean_up(&user);
}

static void a_full_item_table_costs_names_only(void **state) {
    (void)state;
    struct user_state user = every_field_user(), decoded = {0};
    struct item_names items = {.is_full = true};
    struct user_state_names names = user_rows_names(&items);
    struct buffer body = {0};
    user_rows_encode(&user, &body);
    assert_true(user_state_decode(buffer_bytes(&body), &names, &decoded));
    assert_int_equal(items.interned, 4);
    const struct recent_item none[USER_RECENT_ITEMS] = {{0}};
    assert_memory_equal(decoded.recent, none, sizeof(none));
    assert_int_equal(decoded.active->cart_count, 2);
    assert_int_equal(decoded.active->cart[0].item, 0);
    assert_int_equal(decoded.active->cart[0].quantity, 33);
    row_check(&user_rows_codec, &decoded, NULL);
    buffer_clean_up(&body);
    user_state_clean_up(&decoded);
    user_state_clean_up(&user);
}

/* As while it ran: most users have one open decision, and a million of them are read back. */
static void open_decisions_take_what_they_need(void **state) {
    (void)state;
    struct user_state user = every_field_user(), decoded = {0};
    struct buffer body = {0};
    user.active->open_count = 1;
    user_rows_encode(&user, &body);
    assert_true(user_rows_decode(buffer_bytes(&body), &decoded));
    assert_int_equal(decoded.active->open_count, 1);
    assert_true(malloc_usable_size(decoded.active->open) < 2 * sizeof *decoded.active->open);
    buffer_clean_up(&body);
    user_state_clean_up(&decoded);
    user_state_clean_up(&user);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_field_by_field),
        cmocka_unit_test(refuses_what_no_encoder_writes),
        cmocka_unit_test(passes_over_a_reserved_key),
        cmocka_unit_test(a_full_item_table_costs_names_only),
        cmocka_unit_test(open_decisions_take_what_they_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
