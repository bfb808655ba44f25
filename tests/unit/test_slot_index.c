#include "base/slot_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/hash.h"
#include "base/rng.h"

#define KEYS 2000

static uint32_t keys[KEYS];

static struct bytes key_of(const void *owner, uint32_t slot) {
    const uint32_t *all = owner;
    return bytes_of(&all[slot], sizeof all[slot]);
}

/* Few different hashes, so that runs are long and deletion has to shift across homes. */
static uint64_t poor_hash(uint32_t slot) {
    return (slot * 7U) % 50U;
}

static void test_against_membership(void **state) {
    (void)state;
    struct slot_index index;
    bool is_in[KEYS] = {false};
    size_t count = 0;
    struct rng rng;
    rng = rng_make(11, 0);
    slot_index_init(&index);
    for (uint32_t i = 0; i < KEYS; i++) {
        keys[i] = i * 2654435761U;
    }
    for (int step = 0; step < 40000; step++) {
        uint32_t slot = (uint32_t)rng_below(&rng, 300);
        if (is_in[slot]) {
            slot_index_remove(&index, poor_hash(slot), slot);
            count--;
        } else {
            slot_index_insert(&index, poor_hash(slot), slot);
            count++;
        }
        is_in[slot] = !is_in[slot];
        assert_int_equal(index.count, count);
        uint32_t asked = (uint32_t)rng_below(&rng, 300);
        uint32_t found =
            slot_index_find(&index, poor_hash(asked), key_of(keys, asked), key_of, keys);
        assert_int_equal(found, is_in[asked] ? asked : SLOT_NONE);
    }
    slot_index_clean_up(&index);
}

static void test_growth_keeps_everything(void **state) {
    (void)state;
    struct slot_index index;
    slot_index_init(&index);
    for (uint32_t i = 0; i < KEYS; i++) {
        keys[i] = i;
        slot_index_insert(&index, hash64(key_of(keys, i), 0), i);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_int_equal(
            slot_index_find(&index, hash64(key_of(keys, i), 0), key_of(keys, i), key_of, keys), i);
    }
    assert_true(index.count * 3 <= index.capacity * 2);
    slot_index_clean_up(&index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_membership),
        cmocka_unit_test(test_growth_keeps_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
