/* emit: every decision becomes the rows of its topics, which readers decode to what was decided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "consumer/rooms/emit.h"
#include "consumer/rooms/features.h"
#include "consumer/side/side_table.h"
#include "schemas/schemas.h"
#include "tests/support/decide_fixture.h"

struct scene {
    struct decide_fixture fixture;
    struct decision decision;
    struct epoch epoch;
    struct emit emit;
    struct decision_tally tally;
    struct side_table *open_rows;
    size_t shown;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    decide_fixture_init(&scene->fixture, 1);
    decide_fixture_decision("anna", &scene->decision);
    epoch_init(&scene->epoch);
    emit_init(&scene->emit, &scene->fixture.config, &scene->tally);
    scene->emit.epoch = &scene->epoch;
    scene->open_rows = side_table_new(8);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    side_table_destroy(scene->open_rows);
    emit_clean_up(&scene->emit);
    epoch_clean_up(&scene->epoch);
    decide_fixture_clean_up(&scene->fixture);
    free(scene);
    return 0;
}

static void run(struct scene *scene) {
    decide(&scene->fixture.room, &scene->fixture.ledger, 3, false, &scene->decision);
    emit_decision(&scene->emit, 3, &scene->decision, scene->open_rows);
}

/* Body of the index-th record, which must be of this topic, schema, partition and key. */
static struct bytes body_of(const struct scene *scene, size_t index, enum topic topic,
                            enum schema schema, struct bytes key) {
    assert_true(index < scene->epoch.record_count);
    const struct epoch_record *record = &scene->epoch.records[index];
    assert_int_equal(record->topic, topic);
    assert_int_equal(record->partition, 3);
    assert_false(record->is_tombstone);
    assert_true(bytes_equal(epoch_record_key(&scene->epoch, index), key));
    struct bytes body;
    assert_true(wire_unframe(WIRE_SINGLE_OBJECT, schema, 0,
                             epoch_record_value(&scene->epoch, index), &body));
    return body;
}

static void expect_text(struct bytes text, const char *expected) {
    if (!bytes_equal(text, bytes_of_text(expected))) {
        fail_msg("found \"%.*s\", expected \"%s\"", BYTES_ARG(text), expected);
    }
}

static struct decision_row decision_row_of(const struct scene *scene, size_t index) {
    struct decision_row row;
    assert_true(decision_decode(
        body_of(scene, index, TOPIC_PROMOTION_DECISIONS, SCHEMA_DECISION, scene->decision.user_id),
        &row));
    return row;
}

static struct push_row push_row_of(const struct scene *scene, size_t index) {
    struct push_row row;
    assert_true(push_decode(
        body_of(scene, index, TOPIC_PROMOTION_PUSHES, SCHEMA_PUSH, scene->decision.user_id), &row));
    return row;
}

static struct open_decision_row open_row_of(const struct scene *scene, size_t index) {
    char key[33];
    hash128_format(scene->decision.id, key);
    struct open_decision_row row;
    assert_true(open_decision_decode(
        body_of(scene, index, TOPIC_OPEN_DECISIONS, SCHEMA_OPEN_DECISION, bytes_of(key, 32)),
        &row));
    return row;
}

/* ---- sent ---- */

static void a_sent_decision_is_logged_whole(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.none_share = 0.25;
    scene->fixture.config.explore_salt = "sends";
    scene->decision.canonical_id = bytes_of_text("anna-of-all-keys");
    scene->decision.is_followup = true;
    scene->decision.feature_version = 1;
    scene->decision.number_count = 3;
    scene->decision.numbers[0] = 1.5;
    scene->decision.numbers[1] = NAN;
    scene->decision.name_count = 2;
    scene->decision.names[0] = bytes_of_text("cart_abandoned");
    run(scene);
    assert_int_equal(scene->epoch.record_count, 3);
    struct decision_row row = decision_row_of(scene, 0);
    assert_true(hash128_equal(row.decision_id, scene->decision.id));
    assert_true(hash128_equal(row.episode_id, scene->decision.episode_id));
    assert_int_equal(row.attempt, 0);
    expect_text(row.canonical_id, "anna-of-all-keys");
    assert_int_equal(row.trigger, TRIGGER_CART_ABANDONED);
    assert_int_equal(row.deadline_ms, FIXTURE_NOON_MS);
    assert_int_equal(row.decided_ms, FIXTURE_NOON_MS);
    assert_true(row.anchor == scene->decision.anchor);
    assert_true(row.is_followup);
    expect_text(row.mode, "apprentice");
    expect_text(row.bucket, "policy");
    assert_int_equal(row.action_count, 2);
    expect_text(row.actions[0].action, "none");
    assert_true(row.actions[0].p == 0.25);
    expect_text(row.actions[1].action, "ten_percent");
    assert_true(row.actions[1].p == 0.75);
    expect_text(row.would_have, "ten_percent");
    expect_text(row.action, "ten_percent");
    assert_true(row.action_p == 0.75);
    assert_true(row.sent);
    expect_text(row.reason, "rule");
    assert_int_equal(row.gate_count, 0);
    assert_true(row.cart_value == 84.9);
    expect_text(row.currency, "EUR");
    assert_int_equal(row.item_count, 3);
    expect_text(row.items[2], "i-3");
    assert_int_equal(row.number_count, 3);
    assert_true(row.numbers[0] == 1.5 && isnan(row.numbers[1]) && row.numbers[2] == 0);
    assert_int_equal(row.name_count, 2);
    expect_text(row.names[0], "cart_abandoned");
    expect_text(row.names[1], "");
    assert_true(row.rule_fingerprint == decide_rule_fingerprint(&scene->fixture.config));
}

static void its_push_can_be_sent_as_it_is(void **state) {
    struct scene *scene = *state;
    scene->fixture.offers[FIXTURE_TEN_PERCENT].coupon_code = "TEN";
    scene->decision.attempt = 1;
    run(scene);
    struct push_row row = push_row_of(scene, 1);
    char id[40];
    hash128_format(scene->decision.id, id);
    strcat(id, "-1");
    assert_int_equal(row.kind, PUSH_SEND);
    expect_text(row.push_id, id);
    assert_true(hash128_equal(row.decision_id, scene->decision.id));
    expect_text(row.user_id, "anna");
    assert_int_equal(row.trigger, TRIGGER_CART_ABANDONED);
    expect_text(row.offer_id, "ten_percent");
    expect_text(row.offer_kind, "percent_off");
    assert_true(row.offer_value == 10);
    expect_text(row.channel, "push");
    expect_text(row.locale, "en-GB");
    expect_text(row.currency, "EUR");
    assert_int_equal(row.not_before_ms, FIXTURE_NOON_MS);
    assert_int_equal(row.expires_ms, FIXTURE_NOON_MS + FIXTURE_DAY_MS);
    assert_int_equal(row.item_count, 3);
    expect_text(row.items[0].name, "Red shoes");
    assert_true(row.items[0].price == 59.9);
    expect_text(row.items[2].name, "");
    expect_text(row.coupon_code, "TEN");
    expect_text(row.title, "10 for you");
    expect_text(row.body, "Red shoes, Socks, i-3 (3) for 84.90 EUR");
    expect_text(row.reason, "cart of 3 items worth 84.90 EUR quiet; "
                            "written rule cart_abandoned -> ten_percent");
}

static void a_reminder_has_no_value_and_no_code(void **state) {
    struct scene *scene = *state;
    scene->decision.trigger = TRIGGER_BROWSE_ABANDONED;
    run(scene);
    struct push_row row = push_row_of(scene, 1);
    expect_text(row.offer_kind, "reminder");
    assert_true(isnan(row.offer_value));
    assert_int_equal(row.coupon_code.size, 0);
}

static void the_users_channel_goes_before_the_offers(void **state) {
    struct scene *scene = *state;
    scene->decision.channel = bytes_of_text("mail");
    run(scene);
    expect_text(push_row_of(scene, 1).channel, "mail");
}

static void hostile_names_leave_a_readable_push(void **state) {
    struct scene *scene = *state;
    char name[1024];
    memset(name, '\n', sizeof name);
    memcpy(name, "{items}\xff\xc0%n", 11);
    for (size_t i = 0; i < ROW_ITEMS_MAX; i++) {
        scene->decision.items[i].name = bytes_of(name, sizeof name);
        scene->decision.items[i].id = bytes_of_text("i");
    }
    scene->decision.item_count = ROW_ITEMS_MAX;
    run(scene);
    /* Item names are catalogue data, passed on as they are; decoders refuse them if they are not
     * UTF-8, so only the rendered texts are looked at here, in the buffer that the row borrows. */
    struct bytes rendered = buffer_bytes(&scene->emit.scratch);
    for (size_t i = 0; i < rendered.size; i++) {
        assert_true(rendered.data[i] >= 0x20 && rendered.data[i] < 0x7f);
    }
}

static void what_the_state_cut_inside_a_character_is_unknown(void **state) {
    struct scene *scene = *state;
    scene->decision.locale = bytes_of_text("\xc3\xb6\xc3\xb6\xc3\xb6\xc3");
    scene->decision.currency = bytes_of_text("E\xe9\x9e");
    run(scene);
    assert_int_equal(decision_row_of(scene, 0).currency.size, 0);
    assert_int_equal(push_row_of(scene, 1).currency.size, 0);
    assert_int_equal(push_row_of(scene, 1).locale.size, 0);
}

static void the_open_decision_keeps_what_learning_needs(void **state) {
    struct scene *scene = *state;
    scene->decision.feature_version = 1;
    scene->decision.number_count = 1;
    scene->decision.numbers[0] = 4;
    scene->decision.margin = 0.4;
    scene->decision.weight = 20;
    run(scene);
    struct open_decision_row row = open_row_of(scene, 2);
    struct open_decision open;
    decision_open(&scene->decision, "ten_percent", &open);
    assert_int_equal(row.open.flags, DECISION_SENT);
    assert_int_equal(row.open.expires_ms, open.expires_ms);
    assert_int_equal(row.open.close_ms, open.close_ms);
    assert_string_equal(row.open.offer_id, "ten_percent");
    expect_text(row.user_id, "anna");
    expect_text(row.action, "ten_percent");
    assert_true(row.action_p == 1);
    expect_text(row.bucket, "policy");
    assert_true(hash128_equal(row.episode_id, scene->decision.episode_id));
    assert_int_equal(row.number_count, 1);
    assert_true(row.numbers[0] == 4);
    assert_true(row.margin == 0.4 && row.weight == 20);
    assert_int_equal(row.open.decided_ms, FIXTURE_NOON_MS);
    /* The partition keeps the same bytes: examples are made of them. */
    char key[33];
    hash128_format(scene->decision.id, key);
    assert_true(bytes_equal(
        side_table_get(scene->open_rows, bytes_of_text(key)),
        body_of(scene, 2, TOPIC_OPEN_DECISIONS, SCHEMA_OPEN_DECISION, bytes_of_text(key))));
    assert_int_equal(side_table_count(scene->open_rows), 1);
}

/* Learners are judged by what they said of the actions that there were to choose from, in their
 * order; one that had no score says nothing. */
static void scores_are_frozen_per_action(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.none_share = 0.25;
    scene->fixture.config.explore_salt = "sends";
    scene->decision.learner_count = 3;
    for (size_t i = 0; i < 3; i++) {
        scene->decision.learners[i] = bytes_of_text(i == 0 ? "first" : i == 1 ? "mute" : "third");
        scene->decision.version_offsets[i] = 100 + (int64_t)i;
        for (size_t arm = 0; arm < 5; arm++) { /* none and the four offers */
            scene->decision.p[i][arm] = i == 1 ? (double)NAN : (double)(10 * i + arm) / 100;
        }
    }
    run(scene);
    struct decision_row row = decision_row_of(scene, 0);
    struct open_decision_row open = open_row_of(scene, 2);
    for (int place = 0; place < 2; place++) {
        const struct learner_score_row *scores = place ? open.scores : row.scores;
        assert_int_equal(place ? open.score_count : row.score_count, 2);
        expect_text(scores[0].learner, "first");
        expect_text(scores[1].learner, "third");
        assert_int_equal(scores[0].version_offset, 100);
        assert_int_equal(scores[1].version_offset, 102);
        assert_int_equal(scores[1].p_count, 2);
        assert_true(scores[0].p[0] == 0.00 && scores[0].p[1] == 0.01);
        assert_true(scores[1].p[0] == 0.20 && scores[1].p[1] == 0.21);
    }
    assert_int_equal(open.action_count, 2);
    expect_text(open.actions[1].action, "ten_percent");
    assert_true(open.actions[1].p == 0.75);
    expect_text(row.policy, "rule");
}

/* ---- held ---- */

static void a_held_decision_is_logged_and_stays_open(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.control_share = 1;
    scene->decision.consent = CONSENT_UNKNOWN;
    scene->decision.cart_value = NAN;
    run(scene);
    assert_int_equal(scene->epoch.record_count, 2);
    struct decision_row row = decision_row_of(scene, 0);
    assert_false(row.sent);
    expect_text(row.reason, "consent_unknown");
    expect_text(row.action, "none");
    expect_text(row.would_have, "ten_percent");
    expect_text(row.bucket, "control");
    assert_int_equal(row.action_count, 1);
    assert_true(row.action_p == 1);
    assert_int_equal(row.gate_count, 2);
    expect_text(row.gates[0], "consent_unknown");
    expect_text(row.gates[1], "control_group");
    assert_true(isnan(row.cart_value));
    struct open_decision_row open = open_row_of(scene, 1);
    assert_int_equal(open.open.flags, 0);
    assert_string_equal(open.open.offer_id, "");
    expect_text(open.action, "none");
}

static void one_too_many_is_logged_without_outcome(void **state) {
    struct scene *scene = *state;
    scene->decision.is_too_many_open = true;
    run(scene);
    assert_int_equal(scene->epoch.record_count, 1);
    expect_text(decision_row_of(scene, 0).reason, "too_many_open");
    assert_int_equal(side_table_count(scene->open_rows), 0);
}

static void a_deferred_decision_waits_in_open_decisions(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.quiet_hours = (struct config_time_range){11 * 60, 13 * 60};
    run(scene);
    struct open_decision_row row = open_row_of(scene, 1);
    assert_int_equal(row.open.flags, DECISION_DEFERRED);
    assert_int_equal(row.open.redecide_ms, FIXTURE_NOON_MS + FIXTURE_HOUR_MS);
}

/* ---- revoked, closed ---- */

static void a_revocation_carries_the_id_of_its_push(void **state) {
    struct scene *scene = *state;
    run(scene);
    struct push_row sent = push_row_of(scene, 1);
    struct open_decision open;
    decision_open(&scene->decision, "ten_percent", &open);
    open.flags |= DECISION_REVOKED;
    emit_revocation(&scene->emit, 3, scene->decision.user_id, &open);
    struct push_row row = push_row_of(scene, 3);
    sent = push_row_of(scene, 1); /* its texts moved with the epoch's buffer */
    assert_int_equal(row.kind, PUSH_REVOKED);
    assert_true(bytes_equal(row.push_id, sent.push_id));
    assert_true(hash128_equal(row.decision_id, sent.decision_id));
    assert_int_equal(row.expires_ms, sent.expires_ms);
    expect_text(row.offer_id, "ten_percent");
    expect_text(row.offer_kind, "percent_off");
    assert_int_equal(row.item_count, 0);
    assert_true(row.reason.size > 0);

    scene->fixture.config.offers.count = 0; /* another configuration since */
    emit_revocation(&scene->emit, 3, scene->decision.user_id, &open);
    row = push_row_of(scene, 4);
    expect_text(row.offer_id, "ten_percent");
    assert_int_equal(row.offer_kind.size, 0);
    assert_true(isnan(row.offer_value));
    assert_int_equal(metric_get(&scene->emit.metrics.revocations_total), 2);
}

static void a_closed_decision_leaves_a_tombstone(void **state) {
    struct scene *scene = *state;
    struct open_decision open = {.id = scene->decision.id};
    char key[33];
    hash128_format(open.id, key);
    assert_true(side_table_put(scene->open_rows, bytes_of_text(key), bytes_of_text("row")));
    emit_close(&scene->emit, 3, &open, scene->open_rows);
    assert_int_equal(side_table_count(scene->open_rows), 0);
    assert_int_equal(scene->epoch.record_count, 1);
    const struct epoch_record *record = &scene->epoch.records[0];
    assert_true(record->is_tombstone);
    assert_int_equal(record->topic, TOPIC_OPEN_DECISIONS);
    assert_int_equal(record->partition, 3);
    expect_text(epoch_record_key(&scene->epoch, 0), key);
    assert_int_equal(metric_get(&scene->emit.metrics.open_decisions_closed_total), 1);
}

/* ---- counted, shown ---- */

static void the_tally_adds_up(void **state) {
    struct scene *scene = *state;
    run(scene);
    scene->decision.consent = CONSENT_DENIED;
    run(scene);
    run(scene);
    scene->decision.trigger = TRIGGER_BROWSE_ABANDONED;
    run(scene);
    scene->fixture.config.rules.count = 0;
    run(scene);
    const struct decision_tally *tally = &scene->tally;
    int64_t sum = 0;
    for (int trigger = 0; trigger < TRIGGER_COUNT; trigger++) {
        for (int offer = 0; offer <= OFFERS_MAX; offer++) {
            for (int gate = 0; gate <= GATE_COUNT; gate++) {
                sum += metric_get(&tally->count[trigger][offer][gate]);
            }
        }
    }
    const struct metric(*cart)[GATE_COUNT + 1] = tally->count[TRIGGER_CART_ABANDONED];
    const struct metric(*browse)[GATE_COUNT + 1] = tally->count[TRIGGER_BROWSE_ABANDONED];
    assert_int_equal(sum, 5);
    assert_int_equal(metric_get(&cart[FIXTURE_TEN_PERCENT + 1][GATE_NONE]), 1);
    assert_int_equal(metric_get(&cart[FIXTURE_TEN_PERCENT + 1][GATE_CONSENT_DENIED]), 2);
    assert_int_equal(metric_get(&browse[FIXTURE_REMINDER + 1][GATE_CONSENT_DENIED]), 1);
    assert_int_equal(metric_get(&browse[0][GATE_NO_OFFER]), 1);
    assert_int_equal(metric_get(&scene->emit.metrics.decisions_total), 5);
    assert_int_equal(metric_get(&scene->emit.metrics.pushes_total), 1);
}

static void note_shown(void *context, const struct push_row *push) {
    struct scene *scene = context;
    expect_text(push->user_id, "anna");
    expect_text(push->title, "10 for you");
    scene->shown++;
}

static void pushes_and_only_they_are_shown(void **state) {
    struct scene *scene = *state;
    scene->emit.show = note_shown;
    scene->emit.show_context = scene;
    run(scene);
    scene->decision.consent = CONSENT_DENIED;
    run(scene);
    assert_int_equal(scene->shown, 1);
}

static int start_schemas(void **state) {
    (void)state;
    schemas_init();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_sent_decision_is_logged_whole),
        TEST(its_push_can_be_sent_as_it_is),
        TEST(a_reminder_has_no_value_and_no_code),
        TEST(the_users_channel_goes_before_the_offers),
        TEST(hostile_names_leave_a_readable_push),
        TEST(what_the_state_cut_inside_a_character_is_unknown),
        TEST(the_open_decision_keeps_what_learning_needs),
        TEST(scores_are_frozen_per_action),
        TEST(a_held_decision_is_logged_and_stays_open),
        TEST(one_too_many_is_logged_without_outcome),
        TEST(a_deferred_decision_waits_in_open_decisions),
        TEST(a_revocation_carries_the_id_of_its_push),
        TEST(a_closed_decision_leaves_a_tombstone),
        TEST(the_tally_adds_up),
        TEST(pushes_and_only_they_are_shown),
    };
    return cmocka_run_group_tests(tests, start_schemas, NULL);
}
