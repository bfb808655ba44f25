#include "consumer/rooms/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "consumer/rooms/triggers.h"

#define NOON_MS 1767268800000 /* 2026-01-01 12:00 UTC, a Thursday */
#define DAY_MS  86400000LL

static const struct decide_config config = {.attribution_window_ms = 7 * DAY_MS};
static const struct side_config side_config = {.catalogue_rows_max = 10, .profiles_rows_max = 10};

struct scene {
    struct side side;
    struct partition partition;
    uint32_t slot;
    struct decision decision;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    side_init(&scene->side, &side_config);
    partition_init(&scene->partition, 0, 10, timezone_set_new(NULL));
    scene->slot = user_store_add(&scene->partition.store, bytes_of_text("anna"), NOON_MS);
    struct user_state *user = &user_store_get(&scene->partition.store, scene->slot)->state;
    struct user_active *active = state_active(user);
    struct items *items = &scene->partition.store.items;
    active->cart = memory_new(2, sizeof *active->cart);
    active->cart[0] = (struct cart_line){
        .item = items_intern(items, bytes_of_text("sock")), .quantity = 2, .price = 5};
    active->cart[1] = (struct cart_line){
        .item = items_intern(items, bytes_of_text("shoe")), .quantity = 1, .price = 90};
    active->cart_count = active->cart_capacity = 2;
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    timezone_set_destroy(scene->partition.store.zones);
    partition_clean_up(&scene->partition);
    side_clean_up(&scene->side);
    free(scene);
    return 0;
}

static struct user_state *user_of(struct scene *scene) {
    return &user_store_get(&scene->partition.store, scene->slot)->state;
}

static void capture(struct scene *scene, int64_t deadline_ms, const struct open_decision *open) {
    struct capture_cause cause = {TRIGGER_CART_ABANDONED, 7, deadline_ms,
                                  open ? deadline_ms + DAY_MS : deadline_ms, open};
    capture_decision(&config, &scene->side, &scene->partition, scene->slot, &cause,
                     &scene->decision);
}

static void put_catalogue(struct scene *scene, const char *id, double margin) {
    struct catalogue_item_row row = {.item_id = bytes_of_text(id),
                                     .name = bytes_of_text("Good shoe"),
                                     .price = 99,
                                     .margin = margin,
                                     .stock = 3};
    struct buffer value = {0};
    catalogue_item_encode(&row, &value);
    assert_true(side_table_put(scene->side.catalogue, row.item_id, buffer_bytes(&value)));
    buffer_clean_up(&value);
}

static void put_profile(struct scene *scene) {
    struct profile_row row = {.user_id = bytes_of_text("anna"),
                              .canonical_id = bytes_of_text("anna-1"),
                              .timezone = bytes_of_text("Asia/Tokyo"),
                              .consent = CONSENT_GRANTED};
    struct buffer value = {0};
    profile_encode(&row, &value);
    assert_true(side_table_put(scene->side.profiles, row.user_id, buffer_bytes(&value)));
    buffer_clean_up(&value);
}

static void test_steps_are_oldest_first(void **state) {
    struct scene *scene = *state;
    struct user_state *user = user_of(scene);
    struct items *items = &scene->partition.store.items;
    user->recent[0] = (struct recent_item){
        .item = items_intern(items, bytes_of_text("hat")), .gap_s = 60, .kind = 2};
    user->recent[1] = (struct recent_item){
        .item = items_intern(items, bytes_of_text("shoe")), .gap_s = -1, .kind = 1};
    capture(scene, NOON_MS, NULL);
    const struct behaviour_step *steps = scene->decision.steps;
    assert_int_equal(scene->decision.step_count, 2);
    assert_true(steps[0].item == hash64(bytes_of_text("shoe"), 0) && steps[0].kind == 1);
    assert_true(isnan(steps[0].gap_s));
    assert_true(steps[1].item == hash64(bytes_of_text("hat"), 0) && steps[1].kind == 2);
    assert_true(steps[1].gap_s == 60);
}

static void test_cart_joined_with_the_catalogue(void **state) {
    struct scene *scene = *state;
    put_catalogue(scene, "shoe", 0.4);
    capture(scene, NOON_MS, NULL);
    const struct decision *decision = &scene->decision;
    assert_int_equal(decision->item_count, 2);
    assert_true(decision->cart_value == 100);
    assert_true(bytes_equal(decision->items[1].name, bytes_of_text("Good shoe")));
    assert_true(decision->items[1].price ==
                90); /* what it cost in the cart, not in the catalogue */
    assert_true(fabs(decision->margin - 0.4) < 1e-12); /* of the lines whose margin is known */
    assert_int_equal(decision->close_ms, NOON_MS + 7 * DAY_MS);
    assert_true(
        hash128_equal(decision->id, triggers_decision_id(bytes_of_text("anna"),
                                                         TRIGGER_CART_ABANDONED, 7, NOON_MS)));
}

static void test_profile_fills_what_the_stream_did_not_say(void **state) {
    struct scene *scene = *state;
    capture(scene, NOON_MS, NULL);
    assert_int_equal(scene->decision.consent, CONSENT_UNKNOWN);
    put_profile(scene);
    capture(scene, NOON_MS, NULL);
    assert_int_equal(scene->decision.consent, CONSENT_GRANTED);
    assert_true(bytes_equal(scene->decision.canonical_id, bytes_of_text("anna-1")));
    assert_true(bytes_equal(timezone_name(scene->partition.store.zones, scene->decision.zone),
                            bytes_of_text("Asia/Tokyo")));
    user_of(scene)->consent = CONSENT_DENIED;
    capture(scene, NOON_MS, NULL);
    assert_int_equal(scene->decision.consent, CONSENT_DENIED); /* the user's own word goes first */
}

static void test_one_episode_per_window(void **state) {
    struct scene *scene = *state;
    capture(scene, NOON_MS, NULL);
    struct hash128 first = scene->decision.id;
    assert_false(scene->decision.is_followup);
    capture(scene, NOON_MS + 7 * DAY_MS - 1, NULL);
    assert_true(scene->decision.is_followup && hash128_equal(scene->decision.episode_id, first));
    capture(scene, NOON_MS + 7 * DAY_MS, NULL);
    assert_false(scene->decision.is_followup);
}

static void test_second_attempt_keeps_id_and_window(void **state) {
    struct scene *scene = *state;
    capture(scene, NOON_MS, NULL);
    struct open_decision open = {.id = scene->decision.id,
                                 .deadline_ms = NOON_MS,
                                 .close_ms = scene->decision.close_ms,
                                 .anchor = 7,
                                 .trigger = TRIGGER_CART_ABANDONED};
    user_of(scene)->active->cart_changed_ms = NOON_MS - 1;
    capture(scene, NOON_MS, &open);
    assert_true(hash128_equal(scene->decision.id, open.id));
    assert_int_equal(scene->decision.attempt, 1);
    assert_int_equal(scene->decision.close_ms, open.close_ms);
    assert_false(scene->decision.is_condition_gone);
    user_of(scene)->active->cart_changed_ms = NOON_MS;
    capture(scene, NOON_MS, &open);
    assert_true(scene->decision.is_condition_gone);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_steps_are_oldest_first),
        TEST(test_cart_joined_with_the_catalogue),
        TEST(test_profile_fills_what_the_stream_did_not_say),
        TEST(test_one_episode_per_window),
        TEST(test_second_attempt_keeps_id_and_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
