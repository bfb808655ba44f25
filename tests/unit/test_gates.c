/* gates: each one alone, the order of reasons, and every boundary of caps and quiet hours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "consumer/rooms/gates.h"
#include "tests/support/decide_fixture.h"

struct scene {
    struct decide_fixture fixture;
    struct decision decision;
    bool is_paused;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    decide_fixture_init(&scene->fixture, 1);
    decide_fixture_decision("anna", &scene->decision);
    scene->decision.would_have = FIXTURE_TEN_PERCENT;
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    decide_fixture_clean_up(&scene->fixture);
    free(scene);
    return 0;
}

static uint32_t ask(const struct scene *scene) {
    return gates_ask(&(struct gate_view){&scene->fixture.room, &scene->fixture.ledger,
                                         &scene->decision, 0, scene->is_paused});
}

/* Makes this gate, and no other, closed. */
static void close_gate(struct scene *scene, enum gate gate) {
    struct decide_config *config = &scene->fixture.config;
    switch (gate) {
    case GATE_OBSERVATION:
        scene->decision.trigger = TRIGGER_OBSERVE;
        break;
    case GATE_CONDITION_GONE:
        scene->decision.is_condition_gone = true;
        break;
    case GATE_TOO_MANY_OPEN:
        scene->decision.is_too_many_open = true;
        break;
    case GATE_NO_OFFER:
        scene->decision.would_have = -1;
        break;
    case GATE_CONSENT_DENIED:
        scene->decision.consent = CONSENT_DENIED;
        break;
    case GATE_CONSENT_UNKNOWN:
        scene->decision.consent = CONSENT_UNKNOWN;
        break;
    case GATE_USER_CAP:
        config->cap_per_user_day = 1;
        scene->decision.sent_count = 1;
        scene->decision.sent_ms[0] = FIXTURE_NOON_MS - 1;
        break;
    case GATE_QUIET_HOURS:
        config->quiet_hours = (struct config_time_range){11 * 60, 13 * 60};
        break;
    case GATE_HOUR_CAP:
        config->cap_per_hour = 1;
        ledger_take(&scene->fixture.ledger, ledger_hour_of(FIXTURE_NOON_MS));
        break;
    case GATE_CONTROL_GROUP:
        config->control_share = 1;
        break;
    case GATE_PAUSED:
        scene->is_paused = true;
        break;
    case GATE_MODE_OBSERVE:
        config->mode = MODE_OBSERVE;
        break;
    default:
        fail();
    }
}

static void all_gates_are_open_at_first(void **state) {
    assert_int_equal(ask(*state), 0);
    assert_int_equal(gates_reason(0), GATE_NONE);
}

static void each_gate_closes_alone(void **state) {
    for (int gate = 0; gate < GATE_COUNT; gate++) {
        if (gate == GATE_EXPLORED_NONE || gate == GATE_NOT_WORTH_IT) {
            continue; /* decide's business */
        }
        tear_down(state);
        set_up(state);
        close_gate(*state, (enum gate)gate);
        assert_int_equal(ask(*state), GATE_BIT(gate));
    }
}

static void all_closed_gates_are_noted_and_the_first_is_the_reason(void **state) {
    struct scene *scene = *state;
    uint32_t closed = 0;
    for (int gate = GATE_COUNT - 1; gate >= 0; gate--) { /* from the last to the first */
        if (gate == GATE_EXPLORED_NONE || gate == GATE_NOT_WORTH_IT ||
            gate == GATE_CONSENT_UNKNOWN) {
            continue; /* consent is either denied or unknown */
        }
        if (gate == GATE_OBSERVATION) {
            closed &= ~GATE_BIT(GATE_NO_OFFER); /* an observation has nothing to offer by nature */
        }
        close_gate(scene, (enum gate)gate);
        closed |= GATE_BIT(gate);
        assert_int_equal(ask(scene), closed);
        assert_int_equal(gates_reason(ask(scene)), gate);
    }
    assert_int_equal(gates_reason(GATE_BIT(GATE_EXPLORED_NONE) | GATE_BIT(GATE_PAUSED)),
                     GATE_EXPLORED_NONE);
}

/* In mode live the written rule may be silent as long as one offer fits. */
static void in_mode_live_offers_are_what_fits_the_basket(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.mode = MODE_LIVE;
    scene->decision.would_have = -1;
    scene->decision.eligible = 1;
    assert_int_equal(ask(scene), 0);
    scene->decision.would_have = FIXTURE_TEN_PERCENT;
    scene->decision.eligible = 0;
    assert_int_equal(ask(scene), GATE_BIT(GATE_NO_OFFER));
}

static void unknown_consent_can_be_taken_as_granted_denied_cannot(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.consent_unknown_is_granted = true;
    scene->decision.consent = CONSENT_UNKNOWN;
    assert_int_equal(ask(scene), 0);
    scene->decision.consent = CONSENT_DENIED;
    assert_int_equal(ask(scene), GATE_BIT(GATE_CONSENT_DENIED));
}

/* ---- caps ---- */

static bool is_capped(struct scene *scene, size_t count, const int64_t *ages_ms) {
    scene->decision.sent_count = count;
    for (size_t i = 0; i < count; i++) {
        scene->decision.sent_ms[i] = scene->decision.decided_ms - ages_ms[i];
    }
    return ask(scene) == GATE_BIT(GATE_USER_CAP);
}

static void the_day_cap_counts_the_last_24_hours(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.cap_per_user_day = 1;
    assert_false(is_capped(scene, 0, NULL));
    assert_true(is_capped(scene, 1, (int64_t[]){0}));
    assert_true(is_capped(scene, 1, (int64_t[]){FIXTURE_DAY_MS - 1}));
    assert_false(is_capped(scene, 1, (int64_t[]){FIXTURE_DAY_MS}));
    assert_false(is_capped(scene, 1, (int64_t[]){-1}));
    scene->fixture.config.cap_per_user_day = 2;
    assert_false(is_capped(scene, 2, (int64_t[]){FIXTURE_DAY_MS, 5}));
    assert_true(is_capped(scene, 2, (int64_t[]){FIXTURE_DAY_MS - 1, 5}));
}

static void the_week_cap_counts_the_last_7_days(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.cap_per_user_day = 1;
    scene->fixture.config.cap_per_user_week = 2;
    int64_t week_ms = 7 * FIXTURE_DAY_MS;
    assert_false(is_capped(scene, 1, (int64_t[]){2 * FIXTURE_DAY_MS}));
    assert_true(is_capped(scene, 2, (int64_t[]){week_ms - 1, 2 * FIXTURE_DAY_MS}));
    assert_false(is_capped(scene, 2, (int64_t[]){week_ms, 2 * FIXTURE_DAY_MS}));
}

static void no_cap_means_no_cap(void **state) {
    int64_t ages_ms[USER_SENT_RING] = {8, 7, 6, 5, 4, 3, 2, 1};
    assert_false(is_capped(*state, USER_SENT_RING, ages_ms));
}

static void the_hour_cap_is_the_share_of_the_partition(void **state) {
    struct scene *scene = *state;
    scene->fixture.room.partition_count = 4;
    scene->fixture.config.cap_per_hour = 5;
    int64_t hour = ledger_hour_of(FIXTURE_NOON_MS);
    int64_t share = hour_cap_share(5, 0, 4, hour);
    for (int64_t i = 0; i < share; i++) {
        assert_int_equal(ask(scene), 0);
        ledger_take(&scene->fixture.ledger, hour);
    }
    assert_int_equal(ask(scene), GATE_BIT(GATE_HOUR_CAP));
    scene->decision.decided_ms += FIXTURE_HOUR_MS - 1; /* the same hour */
    assert_int_equal(ask(scene), GATE_BIT(GATE_HOUR_CAP));
    scene->decision.decided_ms += 1;
    assert_int_equal(ask(scene), 0);
}

/* ---- quiet hours ---- */

static int64_t quiet_end(struct scene *scene, const char *zone, int64_t at_ms) {
    scene->decision.zone = timezone_find(scene->fixture.zones, bytes_of_text(zone));
    assert_int_not_equal(scene->decision.zone, TIMEZONE_NONE);
    scene->decision.decided_ms = at_ms;
    int64_t end_ms = gates_quiet_end_ms(&scene->fixture.room, &scene->decision);
    assert_int_equal(ask(scene), end_ms > at_ms ? GATE_BIT(GATE_QUIET_HOURS) : 0);
    return end_ms;
}

static void quiet_hours_are_those_of_the_user(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.quiet_hours = (struct config_time_range){22 * 60, 8 * 60};
    int64_t day_ms = FIXTURE_NOON_MS - 12 * FIXTURE_HOUR_MS;
    int64_t minute_ms = 60000;
    /* New York is UTC-4 on 2026-03-10: night from 02:00 to 12:00 UTC. */
    assert_int_equal(quiet_end(scene, "America/New_York", FIXTURE_NOON_MS - 1), FIXTURE_NOON_MS);
    assert_int_equal(quiet_end(scene, "America/New_York", FIXTURE_NOON_MS), FIXTURE_NOON_MS);
    int64_t dusk_ms = day_ms + 2 * FIXTURE_HOUR_MS;
    assert_int_equal(quiet_end(scene, "America/New_York", dusk_ms), FIXTURE_NOON_MS);
    assert_int_equal(quiet_end(scene, "America/New_York", dusk_ms - minute_ms),
                     dusk_ms - minute_ms);
    /* Tokyo is UTC+9: night from 13:00 to 23:00 UTC. */
    assert_int_equal(quiet_end(scene, "Asia/Tokyo", FIXTURE_NOON_MS), FIXTURE_NOON_MS);
    assert_int_equal(quiet_end(scene, "Asia/Tokyo", FIXTURE_NOON_MS + FIXTURE_HOUR_MS),
                     FIXTURE_NOON_MS + 11 * FIXTURE_HOUR_MS);
}

static void quiet_hours_end_by_the_clock_on_the_wall_across_dst(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.quiet_hours = (struct config_time_range){22 * 60, 8 * 60};
    /* Berlin, 2026-03-29 01:00 UTC: clocks go from UTC+1 to UTC+2; 08:00 local is 06:00 UTC. */
    int64_t spring_ms = INT64_C(1774746000000);
    assert_int_equal(quiet_end(scene, "Europe/Berlin", spring_ms - 2 * FIXTURE_HOUR_MS),
                     spring_ms + 5 * FIXTURE_HOUR_MS);
    /* Berlin, 2026-10-25 01:00 UTC: back to UTC+1; 08:00 local is 07:00 UTC. */
    int64_t autumn_ms = INT64_C(1792890000000);
    assert_int_equal(quiet_end(scene, "Europe/Berlin", autumn_ms - 2 * FIXTURE_HOUR_MS),
                     autumn_ms + 6 * FIXTURE_HOUR_MS);
}

static void an_unknown_zone_takes_the_default_one(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.quiet_hours = (struct config_time_range){22 * 60, 8 * 60};
    scene->decision.zone = TIMEZONE_NONE;
    assert_int_equal(ask(scene), 0);                             /* noon in UTC */
    scene->fixture.config.default_timezone = "Pacific/Honolulu"; /* 02:00 */
    decide_init(&scene->fixture.room, &scene->fixture.config, scene->fixture.zones, 1);
    assert_int_equal(ask(scene), GATE_BIT(GATE_QUIET_HOURS));
}

/* ---- control group ---- */

static bool is_in_control(struct scene *scene, const char *user, const char *canonical) {
    scene->decision.user_id = bytes_of_text(user);
    scene->decision.canonical_id = bytes_of_text(canonical);
    return ask(scene) == GATE_BIT(GATE_CONTROL_GROUP);
}

static void control_follows_the_user_over_keys_and_decisions(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.control_share = 0.5;
    int in_control = 0, moved_by_salt = 0;
    for (int i = 0; i < 200; i++) {
        char user[32], guest[32];
        snprintf(user, sizeof user, "user-%d", i);
        snprintf(guest, sizeof guest, "guest-%d", i);
        bool is_control = is_in_control(scene, user, NULL);
        in_control += is_control;
        assert_int_equal(is_in_control(scene, guest, user), is_control);
        scene->decision.id.low += 1;
        scene->decision.episode_id.high += 7;
        scene->fixture.config.explore_salt = i % 2 ? "explore-2" : "explore-1";
        assert_int_equal(is_in_control(scene, user, NULL), is_control);
        scene->fixture.config.control_salt = "control-2";
        moved_by_salt += is_in_control(scene, user, NULL) != is_control;
        scene->fixture.config.control_salt = "control-1";
    }
    assert_in_range(in_control, 70, 130);
    assert_in_range(moved_by_salt, 70, 130);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_gates_are_open_at_first),
        TEST(each_gate_closes_alone),
        TEST(all_closed_gates_are_noted_and_the_first_is_the_reason),
        TEST(in_mode_live_offers_are_what_fits_the_basket),
        TEST(unknown_consent_can_be_taken_as_granted_denied_cannot),
        TEST(the_day_cap_counts_the_last_24_hours),
        TEST(the_week_cap_counts_the_last_7_days),
        TEST(no_cap_means_no_cap),
        TEST(the_hour_cap_is_the_share_of_the_partition),
        TEST(quiet_hours_are_those_of_the_user),
        TEST(quiet_hours_end_by_the_clock_on_the_wall_across_dst),
        TEST(an_unknown_zone_takes_the_default_one),
        TEST(control_follows_the_user_over_keys_and_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
