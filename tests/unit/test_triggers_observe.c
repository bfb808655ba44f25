/* triggers: sampled observations are a share of sessions, one at most, and end with the order. */
#include "consumer/rooms/triggers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/buffer.h"

#define START_MS  1767225600000
#define MINUTE_MS 60000
#define USERS     2000

static const struct state_config state_config = {.users_max = USERS,
                                                 .session_gap_ms = 30 * MINUTE_MS};

struct scene {
    struct partition partition;
    struct state_metrics metrics;
    struct triggers_config config;
    const char *salt;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    partition_init(&scene->partition, 0, USERS, timezone_set_new(NULL));
    scene->config.observe.share = 1;
    scene->config.observe.within_ms = 10 * MINUTE_MS;
    scene->salt = "observe-1";
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    timezone_set_destroy(scene->partition.store.zones);
    partition_clean_up(&scene->partition);
    free(scene);
    return 0;
}

static uint32_t slot_of(struct scene *scene, const char *name) {
    uint32_t slot = user_store_find(&scene->partition.store, bytes_of_text(name));
    return slot != SLOT_NONE
               ? slot
               : user_store_add(&scene->partition.store, bytes_of_text(name), START_MS);
}

static struct user_state *user_of(struct scene *scene, const char *name) {
    return &user_store_get(&scene->partition.store, slot_of(scene, name))->state;
}

static void handle(struct scene *scene, const char *name, enum event_type type, int64_t at_ms,
                   bool is_late) {
    struct event event;
    uint32_t slot = slot_of(scene, name);
    event_clear(&event, NULL);
    event.type = type;
    event.event_ms = at_ms;
    event.user_id = bytes_of_text(name);
    if (type == EVENT_USER_IDENTIFIED) {
        event.canonical_id = bytes_of_text("somebody else");
    }
    state_fold(&state_config, &scene->partition.store, user_of(scene, name), &event, is_late,
               &scene->metrics);
    if (is_late) {
        triggers_after_late(&scene->partition, slot, &event);
    } else {
        triggers_after_event(&scene->config, scene->salt, &scene->partition, slot, &event,
                             (uint64_t)at_ms);
    }
}

static void look(struct scene *scene, const char *name, int64_t at_ms) {
    handle(scene, name, EVENT_CART_VIEWED, at_ms, false);
}

/* TIME_NONE = not armed. */
static int64_t deadline(struct scene *scene, const char *name) {
    const struct user_active *active = user_of(scene, name)->active;
    return active ? active->timers[TIMER_OBSERVE].deadline_ms : TIME_NONE;
}

/* As after firing. */
static void fired(struct scene *scene, const char *name) {
    timers_disarm(&user_of(scene, name)->active->timers[TIMER_OBSERVE]);
}

static const char *name_of(int i, char out[16]) {
    snprintf(out, 16, "user-%d", i);
    return out;
}

static void a_share_of_sessions_is_watched_at_any_moment(void **state) {
    struct scene *scene = *state;
    char name[16];
    scene->config.observe.share = 0.2;
    int64_t count = 0;
    double sum = 0;
    for (int i = 0; i < USERS; i++) {
        look(scene, name_of(i, name), START_MS);
        int64_t at_ms = deadline(scene, name);
        if (at_ms != TIME_NONE) {
            count++;
            assert_true(at_ms > START_MS && at_ms <= START_MS + 10 * MINUTE_MS);
            sum += (double)(at_ms - START_MS) / (10 * MINUTE_MS);
        }
    }
    double error = sqrt(USERS * 0.2 * 0.8);
    assert_true(fabs((double)count - USERS * 0.2) < 4 * error);
    double mean_error = sqrt(1 / (12.0 * (double)count));
    assert_true(fabs(sum / (double)count - 0.5) < 4 * mean_error);
}

static void no_share_watches_nobody(void **state) {
    struct scene *scene = *state;
    scene->config.observe.share = 0;
    look(scene, "anna", START_MS);
    assert_true(deadline(scene, "anna") == TIME_NONE);
}

static void draws_repeat_and_belong_to_salt_and_session(void **state) {
    struct scene *scene = *state, *again;
    void *other;
    char name[16];
    int same_by_salt = 0, same_by_session = 0;
    set_up(&other);
    again = other;
    for (int i = 0; i < 100; i++) {
        name_of(i, name);
        look(scene, name, START_MS);
        look(again, name, START_MS);
        int64_t at_ms = deadline(scene, name);
        assert_true(at_ms == deadline(again, name));
        fired(scene, name);
        fired(again, name);
        look(scene, name, START_MS + 60 * MINUTE_MS); /* another session */
        same_by_session += deadline(scene, name) == at_ms + 60 * MINUTE_MS;
        again->salt = "observe-2";
        look(again, name, START_MS + 60 * MINUTE_MS);
        same_by_salt += deadline(again, name) == deadline(scene, name);
        again->salt = "observe-1";
    }
    assert_true(same_by_salt < 3 && same_by_session < 3);
    tear_down(&other);
}

static void a_session_is_watched_once(void **state) {
    struct scene *scene = *state;
    look(scene, "anna", START_MS);
    int64_t at_ms = deadline(scene, "anna");
    look(scene, "anna", START_MS);
    look(scene, "anna", START_MS + 1000);
    assert_true(deadline(scene, "anna") == at_ms); /* it does not move */
    fired(scene, "anna");
    for (int minute = 11; minute < 100; minute += 29) { /* one long session */
        look(scene, "anna", START_MS + minute * MINUTE_MS);
        assert_true(deadline(scene, "anna") == TIME_NONE);
    }
    look(scene, "anna", START_MS + 300 * MINUTE_MS);
    assert_true(deadline(scene, "anna") > START_MS + 300 * MINUTE_MS);
}

static void nothing_is_watched_on_or_after_the_order(void **state) {
    struct scene *scene = *state;
    look(scene, "anna", START_MS);
    handle(scene, "anna", EVENT_ORDER_COMPLETED, START_MS + 1000, false);
    assert_true(deadline(scene, "anna") == TIME_NONE);
    look(scene, "anna", START_MS + 2000);
    assert_true(deadline(scene, "anna") == TIME_NONE);
    handle(scene, "bert", EVENT_ORDER_COMPLETED, START_MS, false); /* a session's first event */
    assert_true(deadline(scene, "bert") == TIME_NONE);
    look(scene, "bert", START_MS); /* clocks of shops tick in seconds */
    assert_true(deadline(scene, "bert") == TIME_NONE);
    look(scene, "carl", START_MS);
    handle(scene, "carl", EVENT_ORDER_COMPLETED, START_MS + 1000, true); /* word of it came late */
    assert_true(deadline(scene, "carl") == TIME_NONE);
    look(scene, "bert", START_MS + 60 * MINUTE_MS); /* the next session is another matter */
    assert_true(deadline(scene, "bert") != TIME_NONE);
}

static void who_goes_on_under_another_key_is_not_watched(void **state) {
    struct scene *scene = *state;
    look(scene, "anna", START_MS);
    handle(scene, "anna", EVENT_USER_IDENTIFIED, START_MS + 1000, false);
    assert_true(deadline(scene, "anna") == TIME_NONE);
    look(scene, "bert", START_MS);
    handle(scene, "bert", EVENT_USER_IDENTIFIED, START_MS + 1000, true);
    assert_true(deadline(scene, "bert") == TIME_NONE);
}

static void suspects_are_not_watched(void **state) {
    struct scene *scene = *state;
    look(scene, "anna", START_MS);
    user_of(scene, "anna")->bot_suspect = 1;
    look(scene, "anna", START_MS + 1000);
    assert_true(deadline(scene, "anna") == TIME_NONE);
    look(scene, "anna", START_MS + 60 * MINUTE_MS);
    assert_true(deadline(scene, "anna") == TIME_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_share_of_sessions_is_watched_at_any_moment),
        TEST(no_share_watches_nobody),
        TEST(draws_repeat_and_belong_to_salt_and_session),
        TEST(a_session_is_watched_once),
        TEST(nothing_is_watched_on_or_after_the_order),
        TEST(who_goes_on_under_another_key_is_not_watched),
        TEST(suspects_are_not_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
