/* side: what side topics say is known after a poll; bad rows are counted, kept out, and harm
 * nothing. */
#include "consumer/side/side_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/broker_ops.h"
#include "schemas/event.h"
#include "schemas/schemas.h"

#define ROWS_MAX 16

/* A broker that has only side topics: rows wait until the next poll. */
struct fake_row {
    enum topic topic;
    struct buffer key, value;
    bool is_tombstone;
};
struct fake {
    struct broker broker;
    struct fake_row rows[ROWS_MAX];
    size_t row_count;
    int64_t positions[TOPIC_COUNT];
    enum topic failing; /* TOPIC_COUNT = none */
};

static struct failure fake_side_poll(struct broker *broker, enum topic topic, broker_visit *visit,
                                     void *context, int64_t *out_position) {
    struct fake *fake = (struct fake *)broker;
    if (topic == fake->failing) {
        return failure_make(FAILURE_STOP, 0, "no");
    }
    for (size_t i = 0; i < fake->row_count; i++) {
        struct fake_row *row = &fake->rows[i];
        if (row->topic == topic) {
            struct bytes value = row->is_tombstone ? bytes_of(NULL, 0) : buffer_bytes(&row->value);
            visit(context,
                  &(struct record){.key = buffer_bytes(&row->key), .value = value, .partition = 0});
            fake->positions[topic]++;
            row->topic = TOPIC_COUNT;
        }
    }
    *out_position = fake->positions[topic];
    return failure_none();
}

static const struct broker_ops fake_ops = {.side_poll = fake_side_poll};

struct fixture {
    struct fake fake;
    struct side_config config;
    struct side side;
};

static int set_up(void **state) {
    schemas_init();
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    fixture->fake.broker.ops = &fake_ops;
    fixture->fake.failing = TOPIC_COUNT;
    fixture->config = (struct side_config){
        .catalogue_rows_max = 2, .profiles_rows_max = 2, .framing = WIRE_SINGLE_OBJECT};
    side_init(&fixture->side, &fixture->config);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < fixture->fake.row_count; i++) {
        buffer_clean_up(&fixture->fake.rows[i].key);
        buffer_clean_up(&fixture->fake.rows[i].value);
    }
    side_clean_up(&fixture->side);
    free(fixture);
    return 0;
}

static struct buffer *add_row(struct fixture *fixture, enum topic topic, const char *key,
                              enum schema schema) {
    assert_true(fixture->fake.row_count < ROWS_MAX);
    struct fake_row *row = &fixture->fake.rows[fixture->fake.row_count++];
    row->topic = topic;
    buffer_append(&row->key, bytes_of_text(key));
    wire_frame((enum wire_framing)fixture->config.framing, schema, 0, &row->value);
    return &row->value;
}

static void add_tombstone(struct fixture *fixture, enum topic topic, const char *key) {
    add_row(fixture, topic, key, SCHEMA_CONTROL);
    fixture->fake.rows[fixture->fake.row_count - 1].is_tombstone = true;
}

static void add_control(struct fixture *fixture, const char *key, const char *value) {
    struct control_row row = {.setting = bytes_of_text(key), .value = bytes_of_text(value)};
    control_encode(&row, add_row(fixture, TOPIC_CONTROL, key, SCHEMA_CONTROL));
}

static void add_item(struct fixture *fixture, const char *key, const char *id, double price) {
    struct catalogue_item_row row = {.item_id = bytes_of_text(id),
                                     .name = bytes_of_text("Blue shoes"),
                                     .price = price,
                                     .margin = 0.4,
                                     .stock = -1};
    catalogue_item_encode(&row, add_row(fixture, TOPIC_CATALOGUE, key, SCHEMA_CATALOGUE_ITEM));
}

static void add_profile(struct fixture *fixture, const char *key, int consent) {
    struct profile_row row = {.user_id = bytes_of_text(key),
                              .timezone = bytes_of_text("Europe/Berlin"),
                              .consent = consent};
    profile_encode(&row, add_row(fixture, TOPIC_PROFILES, key, SCHEMA_PROFILE));
}

static void poll(struct fixture *fixture) {
    assert_false(failed(side_poll(&fixture->side, &fixture->fake.broker)));
}

static int64_t refused(const struct fixture *fixture) {
    return metric_get(&fixture->side.metrics.rows_refused_total);
}

static void test_pause_and_resume(void **state) {
    struct fixture *fixture = *state;
    poll(fixture);
    assert_false(fixture->side.is_paused);
    add_control(fixture, "paused", "true");
    poll(fixture);
    assert_true(fixture->side.is_paused);
    add_control(fixture, "champion/x", "false"); /* a setting of a newer version */
    add_control(fixture, "paused", "maybe");     /* not a value: the last good one stays */
    add_tombstone(fixture, TOPIC_CONTROL, "paused");
    poll(fixture);
    assert_true(fixture->side.is_paused);
    assert_int_equal(refused(fixture), 2);
    add_control(fixture, "paused", "true");
    add_control(fixture, "paused", "false");
    poll(fixture);
    assert_false(fixture->side.is_paused);
    assert_int_equal(fixture->side.positions[0], 6);
}

static void test_champion(void **state) {
    struct fixture *fixture = *state;
    poll(fixture);
    assert_string_equal(fixture->side.champion, "");
    add_control(fixture, "champion/purchase", "challenger-of-23-bytes.");
    poll(fixture);
    assert_string_equal(fixture->side.champion, "challenger-of-23-bytes.");
    add_control(fixture, "champion/purchase", "challenger-of-24-bytes..");
    add_tombstone(fixture, TOPIC_CONTROL, "champion/purchase");
    poll(fixture);
    assert_string_equal(fixture->side.champion, "challenger-of-23-bytes.");
    assert_int_equal(refused(fixture), 2);
    add_control(fixture, "champion/purchase", "");
    poll(fixture);
    assert_string_equal(fixture->side.champion, "");
    assert_false(fixture->side.is_paused);
}

static void test_catalogue_and_profiles(void **state) {
    struct fixture *fixture = *state;
    add_item(fixture, "i1", "i1", 59.9);
    add_profile(fixture, "u1", CONSENT_GRANTED);
    poll(fixture);
    struct catalogue_item_row item;
    assert_true(side_catalogue_get(&fixture->side, bytes_of_text("i1"), &item));
    assert_true(item.price == 59.9);
    assert_true(bytes_equal(item.name, bytes_of_text("Blue shoes")));
    struct profile_row profile;
    assert_true(side_profile_get(&fixture->side, bytes_of_text("u1"), &profile));
    assert_int_equal(profile.consent, CONSENT_GRANTED);
    assert_false(side_catalogue_get(&fixture->side, bytes_of_text("u1"), &item));
    assert_false(side_profile_get(&fixture->side, bytes_of(NULL, 0), &profile));
    add_profile(fixture, "u1", CONSENT_DENIED);
    add_tombstone(fixture, TOPIC_CATALOGUE, "i1");
    poll(fixture);
    assert_true(side_profile_get(&fixture->side, bytes_of_text("u1"), &profile));
    assert_int_equal(profile.consent, CONSENT_DENIED);
    assert_false(side_catalogue_get(&fixture->side, bytes_of_text("i1"), &item));
    assert_int_equal(fixture->side.positions[1], 2);
    assert_int_equal(fixture->side.positions[2], 2);
    assert_int_equal(fixture->side.positions[3], 0);
    assert_int_equal(refused(fixture), 0);
}

/* Ten items go into one push: a row of a megabyte would make a message of ten. */
static void test_rows_of_absurd_size(void **state) {
    struct fixture *fixture = *state;
    char *name = memory_new(70000, 1);
    memset(name, 'x', 69999);
    struct catalogue_item_row item = {.item_id = bytes_of_text("i1"), .name = bytes_of_text(name)};
    struct profile_row profile = {.user_id = bytes_of_text("u1"), .channel = bytes_of_text(name)};
    add_item(fixture, "i1", "i1", 10);
    catalogue_item_encode(&item, add_row(fixture, TOPIC_CATALOGUE, "i1", SCHEMA_CATALOGUE_ITEM));
    profile_encode(&profile, add_row(fixture, TOPIC_PROFILES, "u1", SCHEMA_PROFILE));
    poll(fixture);
    assert_int_equal(refused(fixture), 2);
    assert_true(side_catalogue_get(&fixture->side, bytes_of_text("i1"), &item));
    assert_true(item.price == 10);
    assert_false(side_profile_get(&fixture->side, bytes_of_text("u1"), &profile));
    free(name);
}

/* Foreign framing, a cut row, a key that is not the item's, no key: none may displace the good row.
 */
static void test_bad_rows(void **state) {
    struct fixture *fixture = *state;
    add_item(fixture, "i1", "i1", 10);
    add_item(fixture, "i1", "i2", 20);
    add_item(fixture, "i1", "i1", 30);
    fixture->fake.rows[2].value.size--;
    add_item(fixture, "i1", "i1", 40);
    fixture->fake.rows[3].value.data[0] = 0;
    add_item(fixture, "", "", 50);
    add_profile(fixture, "u1", CONSENT_GRANTED);
    buffer_append_byte(&fixture->fake.rows[5].value, 0);
    poll(fixture);
    struct catalogue_item_row item;
    struct profile_row profile;
    assert_true(side_catalogue_get(&fixture->side, bytes_of_text("i1"), &item));
    assert_true(item.price == 10);
    assert_false(side_catalogue_get(&fixture->side, bytes_of_text("i2"), &item));
    assert_false(side_profile_get(&fixture->side, bytes_of_text("u1"), &profile));
    assert_int_equal(refused(fixture), 5);
    assert_int_equal(metric_get(&fixture->side.metrics.rows_total), 6);
}

static void test_bare_framing(void **state) {
    struct fixture *fixture = *state;
    fixture->config.framing = WIRE_BARE;
    add_item(fixture, "i1", "i1", 10);
    poll(fixture);
    struct catalogue_item_row item;
    assert_true(side_catalogue_get(&fixture->side, bytes_of_text("i1"), &item));
}

static void test_full_is_counted(void **state) {
    struct fixture *fixture = *state;
    add_item(fixture, "i1", "i1", 1);
    add_item(fixture, "i2", "i2", 2);
    add_item(fixture, "i3", "i3", 3);
    add_item(fixture, "i1", "i1", 4);
    poll(fixture);
    struct catalogue_item_row item;
    assert_false(side_catalogue_get(&fixture->side, bytes_of_text("i3"), &item));
    assert_true(side_catalogue_get(&fixture->side, bytes_of_text("i1"), &item));
    assert_true(item.price == 4);
    assert_int_equal(metric_get(&fixture->side.metrics.rows_dropped_total), 1);
}

static void test_failure_is_handed_on(void **state) {
    struct fixture *fixture = *state;
    fixture->fake.failing = TOPIC_PROFILES;
    assert_int_equal(side_poll(&fixture->side, &fixture->fake.broker).action, FAILURE_STOP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_champion, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pause_and_resume, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_catalogue_and_profiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_of_absurd_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bare_framing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failure_is_handed_on, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
