#include "consumer/rooms/user_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/buffer.h"
#include "consumer/rooms/state.h"

static struct bytes name(char text[16], int number) {
    return bytes_of(text, (size_t)snprintf(text, 16, "user-%d", number));
}

static int set_up(void **state) {
    struct user_store *store = memory_new(1, sizeof *store);
    user_store_init(store, 3000, timezone_set_new(NULL));
    *state = store;
    return 0;
}

static int tear_down(void **state) {
    struct user_store *store = *state;
    timezone_set_destroy(store->zones);
    user_store_clean_up(store);
    free(store);
    return 0;
}

static void test_finds_what_was_added(void **state) {
    struct user_store *store = *state;
    char text[16];
    for (int i = 0; i < 2500; i++) { /* more than two chunks */
        assert_int_equal(user_store_find(store, name(text, i)), SLOT_NONE);
        user_store_add(store, name(text, i), 1000 + i);
    }
    for (int i = 0; i < 2500; i++) {
        uint32_t slot = user_store_find(store, name(text, i));
        assert_true(bytes_equal(user_state_id(&user_store_get(store, slot)->state), name(text, i)));
        assert_ptr_equal(user_store_tenant(store, slot, user_store_get(store, slot)->hash),
                         user_store_get(store, slot));
        assert_null(user_store_tenant(store, slot, 42));
    }
    assert_false(user_store_is_full(store));
}

static void test_oldest_is_by_last_event_whatever_came_first(void **state) {
    struct user_store *store = *state;
    char text[16];
    for (int i = 0; i < 10; i++) {
        user_store_add(store, name(text, i), 1000 + i);
    }
    /* The first two come back; the third is the oldest now. */
    user_store_get(store, user_store_find(store, name(text, 0)))->state.last_event_ms = 5000;
    user_store_get(store, user_store_find(store, name(text, 1)))->state.last_event_ms = 1500;
    static const int order[] = {2, 3, 4, 5, 6, 7, 8, 9, 1, 0};
    for (int i = 0; i < 10; i++) {
        uint32_t slot = user_store_oldest(store);
        assert_int_equal(slot, user_store_find(store, name(text, order[i])));
        user_store_remove(store, slot);
    }
    assert_int_equal(store->count, 0);
}

static void test_a_slot_is_listed_as_changed_once(void **state) {
    struct user_store *store = *state;
    uint32_t slot = user_store_add(store, bytes_of_text("anna"), 1);
    user_store_mark_changed(store, slot);
    user_store_mark_changed(store, slot);
    assert_int_equal(store->changed_count, 1);
}

static void test_removal_gives_items_back(void **state) {
    struct user_store *store = *state;
    uint32_t slot = user_store_add(store, bytes_of_text("anna"), 1);
    struct user_state *user = &user_store_get(store, slot)->state;
    user->recent[0].item = items_intern(&store->items, bytes_of_text("shoe"));
    struct user_active *active = state_active(user);
    active->cart = memory_new(1, sizeof *active->cart);
    active->cart_count = active->cart_capacity = 1;
    active->cart[0].item = items_intern(&store->items, bytes_of_text("hat"));
    user_store_remove(store, slot);
    assert_int_equal(store->items.index.count, 0);
}

static void test_renewal_gives_back_what_an_older_row_held(void **state) {
    struct user_store *store = *state;
    struct bytes anna = bytes_of_text("anna");
    uint64_t hash = hash64(anna, 0);
    uint32_t slot = user_store_renew(store, SLOT_NONE, hash);
    struct user_state *user = &user_store_get(store, slot)->state;
    user_state_init(user, anna);
    user->recent[0].item = items_intern(&store->items, bytes_of_text("shoe"));
    (void)state_active(user);
    assert_int_equal(user_store_find(store, anna), slot);
    assert_int_equal(user_store_renew(store, slot, hash), slot);
    user_state_init(user, anna);
    assert_int_equal(user_store_find(store, anna), slot);
    assert_int_equal(store->count, 1);
    assert_int_equal(store->items.index.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_finds_what_was_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_oldest_is_by_last_event_whatever_came_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_slot_is_listed_as_changed_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_removal_gives_items_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_renewal_gives_back_what_an_older_row_held, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
