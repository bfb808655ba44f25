/* slots: buckets against the features room, which slots an input gets, and what never meets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "model/slots.h"
#include "tests/support/learner_scene.h"

#define BITS 18

static struct slot_space space_of(const struct learner_scene *scene) {
    struct slot_space space;
    slots_init(&space, BITS, &scene->space, 1, (const int[1][2]){{SCENE_CATEGORY, SCENE_DEVICE}});
    return space;
}

static struct scene_example an_example(void) {
    return (struct scene_example){
        .numbers = {84.9, 3, 0, (double)NAN},
        .names = {
            bytes_of_text("cart_abandoned"), bytes_of_text("shoes"), {0}, bytes_of_text("phone")}};
}

static struct slots slots_at(const struct slot_space *space, const struct scene_example *example) {
    struct slots slots;
    assert_true(slots_of(
        space, &(struct learner_input){.numbers = example->numbers, .names = example->names},
        &slots));
    return slots;
}

/* Indices of a that b has too, at the same value. */
static size_t shared(const struct slots *a, const struct slots *b) {
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < b->count; j++) {
            if (a->slots[i].index == b->slots[j].index) {
                count++;
                break;
            }
        }
    }
    return count;
}

static const struct slot *find(const struct slots *slots, enum slot_source source, int of,
                               bool is_slope) {
    for (size_t i = 0; i < slots->count; i++) {
        const struct slot *slot = &slots->slots[i];
        if (slot->source == source && slot->of == of && (slot->part > SLOTS_BUCKETS) == is_slope) {
            return slot;
        }
    }
    return NULL;
}

static void buckets_are_log_spaced_up_to_a_million(void **state) {
    (void)state;
    for (int k = 1; k < SLOTS_BUCKETS; k++) {
        double edge = expm1(k * log1p(1e6) / 15);
        assert_int_equal(slots_bucket(edge * (1 - 1e-6)), k - 1);
        assert_int_equal(slots_bucket(edge * (1 + 1e-6)), k);
    }
    assert_int_equal(slots_bucket(-5), 0);
    assert_int_equal(slots_bucket(-INFINITY), 0);
    assert_int_equal(slots_bucket(0), 0);
    assert_int_equal(slots_bucket(999999), 14);
    assert_int_equal(slots_bucket(1e6), 15);
    assert_int_equal(slots_bucket(1e15), 15);
    assert_int_equal(slots_bucket(INFINITY), 15);
}

static void an_input_has_its_slots_once(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct slot_space space = space_of(&scene);
    struct scene_example example = an_example();
    struct slots slots = slots_at(&space, &example);
    /* bias; cart and idle with slope; is_new 0 without, views missing without; 4 names; a cross */
    assert_int_equal(slots.count, 1 + 2 + 2 + 1 + 1 + 4 + 1);
    assert_int_equal(shared(&slots, &slots), slots.count);
    for (size_t i = 0; i < slots.count; i++) {
        assert_true(slots.slots[i].index < 1u << BITS);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(slots.slots[i].index, slots.slots[j].index);
        }
    }
    const struct slot *bucket = find(&slots, SLOT_NUMBER, SCENE_CART_VALUE, false);
    const struct slot *slope = find(&slots, SLOT_NUMBER, SCENE_CART_VALUE, true);
    assert_int_equal(bucket->part, slots_bucket(84.9));
    assert_int_equal(bucket->index / SLOTS_ROW, slope->index / SLOTS_ROW);
    assert_true(bucket->x == 1 && fabs(slope->x - log1p(84.9) / 14) < 1e-15);
    assert_int_equal(find(&slots, SLOT_NUMBER, SCENE_VIEWS, false)->part, SLOTS_BUCKETS);
    assert_null(find(&slots, SLOT_NUMBER, SCENE_VIEWS, true));
}

static void observations_and_triggers_never_meet(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct slot_space space = space_of(&scene);
    struct scene_example example = an_example();
    struct slots cart = slots_at(&space, &example);
    example.names[SCENE_ORIGIN] = bytes_of_text("observe");
    struct slots observed = slots_at(&space, &example);
    assert_int_equal(shared(&cart, &observed), 0);
}

static void triggers_differ_in_their_bias_and_their_idle_time(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct slot_space space = space_of(&scene);
    struct scene_example example = an_example();
    struct slots cart = slots_at(&space, &example);
    example.names[SCENE_ORIGIN] = bytes_of_text("checkout_abandoned");
    struct slots checkout = slots_at(&space, &example);
    assert_int_equal(shared(&cart, &checkout), cart.count - 3); /* idle: bucket and slope */
    const struct slot *idle = find(&cart, SLOT_NUMBER, SCENE_IDLE, false);
    assert_int_not_equal(idle->index, find(&checkout, SLOT_NUMBER, SCENE_IDLE, false)->index);
    const struct slot *origin = find(&cart, SLOT_NAME, SCENE_ORIGIN, false);
    assert_int_not_equal(origin->index, find(&checkout, SLOT_NAME, SCENE_ORIGIN, false)->index);
}

static void a_value_changes_its_slot_and_its_crosses(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct slot_space space = space_of(&scene);
    struct scene_example example = an_example();
    struct slots shoes = slots_at(&space, &example);
    example.names[SCENE_CATEGORY] = bytes_of_text("books");
    struct slots books = slots_at(&space, &example);
    assert_int_equal(shared(&shoes, &books), shoes.count - 2);
    example.names[SCENE_CATEGORY] = bytes_of(NULL, 0);
    struct slots missing = slots_at(&space, &example);
    assert_int_equal(missing.count, shoes.count);
    assert_int_equal(shared(&missing, &books), shoes.count - 2);
    /* The same text in another name is another slot. */
    example = an_example();
    example.names[SCENE_CATEGORY] = example.names[SCENE_REGION] = bytes_of_text("same");
    struct slots same = slots_at(&space, &example);
    assert_int_not_equal(find(&same, SLOT_NAME, SCENE_CATEGORY, false)->index,
                         find(&same, SLOT_NAME, SCENE_REGION, false)->index);
}

static void numbers_beyond_the_limit_are_refused(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct slot_space space = space_of(&scene);
    const double bad[] = {(double)INFINITY, -(double)INFINITY, 1.1e15, -1.1e15};
    for (int i = 0; i < 4; i++) {
        struct scene_example example = an_example();
        example.numbers[SCENE_VIEWS] = bad[i];
        struct slots slots;
        assert_false(slots_of(
            &space, &(struct learner_input){.numbers = example.numbers, .names = example.names},
            &slots));
    }
    struct scene_example example = an_example();
    example.numbers[SCENE_VIEWS] = 1e15;
    slots_at(&space, &example);
}

static void expect_name(const struct slot_space *space, const struct scene_example *example,
                        const struct slot *slot, size_t size, const char *expected) {
    char text[64];
    slots_name(space, &(struct learner_input){.numbers = example->numbers, .names = example->names},
               slot, text, size);
    assert_string_equal(text, expected);
}

static void slots_have_readable_names(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct slot_space space = space_of(&scene);
    struct scene_example example = an_example();
    struct slots slots = slots_at(&space, &example);
    expect_name(&space, &example, &slots.slots[0], 64, "bias");
    expect_name(&space, &example, find(&slots, SLOT_NUMBER, SCENE_CART_VALUE, false), 64,
                "cart_value in [38.8, 99)");
    expect_name(&space, &example, find(&slots, SLOT_NUMBER, SCENE_CART_VALUE, true), 64,
                "cart_value, slope");
    expect_name(&space, &example, find(&slots, SLOT_NUMBER, SCENE_VIEWS, false), 64,
                "views missing");
    expect_name(&space, &example, find(&slots, SLOT_NUMBER, SCENE_IS_NEW, false), 64,
                "is_new below 1.51");
    expect_name(&space, &example, find(&slots, SLOT_NAME, SCENE_ORIGIN, false), 64,
                "origin = cart_abandoned");
    expect_name(&space, &example, find(&slots, SLOT_NAME, SCENE_REGION, false), 64,
                "region missing");
    expect_name(&space, &example, find(&slots, SLOT_CROSS, 0, false), 64,
                "category = shoes x device = phone");
    /* Cut between characters, not within one. */
    example.names[SCENE_CATEGORY] = bytes_of_text("\xd7\xa0\xd7\xa2");
    const struct slot *category = find(&slots, SLOT_NAME, SCENE_CATEGORY, false);
    expect_name(&space, &example, category, 16, "category = \xd7\xa0\xd7\xa2");
    expect_name(&space, &example, category, 15, "category = \xd7\xa0");
    expect_name(&space, &example, category, 14, "category = \xd7\xa0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_log_spaced_up_to_a_million),
        cmocka_unit_test(an_input_has_its_slots_once),
        cmocka_unit_test(observations_and_triggers_never_meet),
        cmocka_unit_test(triggers_differ_in_their_bias_and_their_idle_time),
        cmocka_unit_test(a_value_changes_its_slot_and_its_crosses),
        cmocka_unit_test(numbers_beyond_the_limit_are_refused),
        cmocka_unit_test(slots_have_readable_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
