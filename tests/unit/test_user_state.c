/* user_state: begins empty, ends freed, counts its blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "tests/support/user_rows.h"

static void begins_empty_and_ends_freed(void **state) {
    (void)state;
    struct user_state user = user_of("u1");
    assert_true(bytes_equal(user_state_id(&user), bytes_of_text("u1")));
    assert_null(user.active);
    assert_true(user.first_seen_ms == TIME_NONE && user.last_event_ms == TIME_NONE);
    assert_true(user.session_start_ms == TIME_NONE && user.order_ms == TIME_NONE);
    assert_true(isnan(user.price_mean) && user.order_value == 0);
    for (size_t kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        assert_true(user.counters[kind].last_ms == TIME_NONE);
    }
    user_state_clean_up(&user);
    user_state_clean_up(&user);
    user_state_clean_up(NULL);
    assert_int_equal(user.user_id_size, 0);
}

static void counts_its_blocks(void **state) {
    (void)state;
    struct user_state user = user_of("u1");
    size_t bytes = user_state_memory_bytes(&user);
    assert_true(bytes == sizeof(user)); /* a short id has no block */
    (void)add_active(&user);
    size_t with_active = user_state_memory_bytes(&user);
    assert_true(with_active >= bytes + sizeof(struct user_active));
    add_cart_line(&user, (struct cart_line){1, 0, 1, 1});
    user.active->cart_capacity = 10;
    size_t with_cart = user_state_memory_bytes(&user);
    assert_true(with_cart >= with_active + 10 * sizeof(struct cart_line));
    add_open(&user, largest_open());
    assert_true(user_state_memory_bytes(&user) >= with_cart + sizeof(struct open_decision));
    user_state_clean_up(&user);
}

static void names_triggers_and_half_lives(void **state) {
    (void)state;
    assert_string_equal(trigger_names[TRIGGER_CART_ABANDONED], "cart_abandoned");
    assert_string_equal(trigger_names[TRIGGER_CHECKOUT_ABANDONED], "checkout_abandoned");
    assert_string_equal(trigger_names[TRIGGER_BROWSE_ABANDONED], "browse_abandoned");
    assert_null(trigger_names[TRIGGER_COUNT]);
    assert_true(counter_half_life_ms[0] == 3600e3 && counter_half_life_ms[1] == 86400e3);
    assert_true(counter_half_life_ms[2] == 14 * 86400e3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_empty_and_ends_freed),
        cmocka_unit_test(counts_its_blocks),
        cmocka_unit_test(names_triggers_and_half_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
