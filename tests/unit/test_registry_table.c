/* registry_table: bounded whatever is asked for, and what is found is never thrown out. */
#include "schemas/registry_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int set_up(void **state) {
    static struct registry_table table;
    registry_table_init(&table);
    *state = &table;
    return 0;
}

static int tear_down(void **state) {
    registry_table_clean_up(*state);
    return 0;
}

static void test_bound_of_waiting(void **state) {
    struct registry_table *table = *state;
    for (uint32_t id = 0; id < TABLE_ASKED_MAX; id++) {
        assert_true(registry_table_wait(table, registry_table_add(table, id), 1));
    }
    struct table_entry *more = registry_table_add(table, TABLE_ASKED_MAX);
    assert_false(registry_table_wait(table, more, 1));
    assert_int_equal(more->state, ENTRY_UNKNOWN);
    registry_table_settle(table, registry_table_find(table, 17), ENTRY_FOUND, 0);
    assert_true(registry_table_wait(table, more, 1));
}

/* Who is full of unknown ids forgets the one that has been unknown longest; nothing else goes. */
static void test_oldest_unknown_makes_room(void **state) {
    struct registry_table *table = *state;
    for (uint32_t id = 0; id < TABLE_IDS_MAX; id++) {
        enum entry_state entry_state = id < 5   ? ENTRY_FOUND
                                       : id < 9 ? ENTRY_REFUSED
                                                : ENTRY_UNKNOWN;
        registry_table_settle(table, registry_table_add(table, id), entry_state,
                              id == 77 ? 50 : 100 + (int)id);
    }
    assert_non_null(registry_table_add(table, 1000000));
    assert_null(registry_table_find(table, 77));
    for (uint32_t id = 0; id < 12000; id++) {
        struct table_entry *entry = registry_table_add(table, 2000000 + id);
        assert_non_null(entry);
        registry_table_settle(table, entry, ENTRY_UNKNOWN, 20000 + (int)id);
    }
    for (uint32_t id = 0; id < 9; id++) {
        assert_int_equal(registry_table_find(table, id)->state,
                         id < 5 ? ENTRY_FOUND : ENTRY_REFUSED);
    }
    assert_int_equal(table->entry_count, TABLE_IDS_MAX);
    assert_int_equal(table->by_id.count, TABLE_IDS_MAX);
    assert_null(registry_table_find(table, 2000000));
    assert_non_null(registry_table_find(table, 2000000 + 11999));
}

static void test_no_room_among_found(void **state) {
    struct registry_table *table = *state;
    for (uint32_t id = 0; id < TABLE_IDS_MAX; id++) {
        registry_table_settle(table, registry_table_add(table, id), ENTRY_FOUND, 0);
    }
    assert_null(registry_table_add(table, 1000000));
}

/* The folder is looked into at once; only requests wait for the registry's back-off, and of them
 * one that has failed comes behind one that has not. */
static void test_next(void **state) {
    struct registry_table *table = *state;
    int64_t due_ms = 0;
    assert_null(registry_table_next(table, 0, &due_ms));
    for (uint32_t id = 1; id <= 3; id++) {
        assert_true(registry_table_wait(table, registry_table_add(table, id), 10 + (int)id));
    }
    assert_int_equal(registry_table_next(table, 500, &due_ms)->id, 1);
    assert_int_equal(due_ms, 11);
    registry_table_find(table, 1)->is_for_registry = true;
    assert_int_equal(registry_table_next(table, 500, &due_ms)->id, 2);
    registry_table_find(table, 2)->is_for_registry = true;
    registry_table_find(table, 3)->is_for_registry = true;
    assert_int_equal(registry_table_next(table, 500, &due_ms)->id, 1);
    assert_int_equal(due_ms, 500);
    registry_table_find(table, 1)->due_ms = 500; /* it has failed */
    assert_int_equal(registry_table_next(table, 500, &due_ms)->id, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bound_of_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_oldest_unknown_makes_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_room_among_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_next, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
