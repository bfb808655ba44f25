/* Topics that contradict each other stop the start with a text that says so. The way back itself is
 * proved by tests/property/test_recovered_equals_live.c. */
#include "consumer/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "schemas/schemas.h"
#include "tests/support/sim_broker.h"

struct scene {
    struct sim_log log;
    struct epoch epoch;
    struct timezone_set *zones;
    struct partition partition;
    struct state_metrics metrics;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    sim_log_init(&scene->log);
    epoch_init(&scene->epoch);
    scene->zones = timezone_set_new(NULL);
    partition_init(&scene->partition, 0, 2, scene->zones);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    partition_clean_up(&scene->partition);
    timezone_set_destroy(scene->zones);
    epoch_clean_up(&scene->epoch);
    sim_log_clean_up(&scene->log);
    free(scene);
    return 0;
}

static void put_state(struct scene *scene, int64_t offset, int64_t number) {
    struct partition_state_row row = {
        .epoch = number, .next_offset = {offset, 0}, .event_ms_max = 5, .watermark_ms = 4};
    struct buffer *out = epoch_begin(&scene->epoch, TOPIC_PARTITION_STATE, 0, bytes_of_text("0"));
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_PARTITION_STATE, 0, out);
    partition_state_encode(&row, out);
    epoch_end(&scene->epoch);
}

static void put_bytes(struct scene *scene, enum topic topic, const char *key, const char *value) {
    buffer_append(epoch_begin(&scene->epoch, topic, 0, bytes_of_text(key)), bytes_of_text(value));
    epoch_end(&scene->epoch);
}

static struct failure recover(struct scene *scene, int64_t committed, int64_t number,
                              bool starts_latest) {
    sim_log_commit(&scene->log, &scene->epoch);
    struct record three[3] = {{.offset = 0}};
    struct sim_options options = {.clicks = three, .click_count = 3};
    struct broker *broker = sim_broker_new(&scene->log, &options);
    struct log_sink silent = {0};
    struct recovery recovery = {.broker = broker,
                                .log = &silent,
                                .starts_latest = starts_latest,
                                .metrics = &scene->metrics};
    struct assignment assignment = {.next_offset = {committed, committed < 0 ? -1 : 0},
                                    .epoch = number};
    struct failure failure = recovery_run(&recovery, &assignment, &scene->partition);
    broker_close(broker);
    return failure;
}

static void assert_stops(struct failure failure, const char *word) {
    assert_int_equal(failure.action, FAILURE_STOP);
    if (!strstr(failure.text, word)) {
        fail_msg("\"%s\" does not say \"%s\"", failure.text, word);
    }
}

static void test_nothing_at_all_starts_at_the_beginning(void **state) {
    struct scene *scene = *state;
    assert_false(failed(recover(scene, -1, -1, false)));
    assert_int_equal(scene->partition.next_offset[INPUT_CLICKSTREAM], 0);
}

static void test_latest_starts_at_the_end_without_a_position(void **state) {
    struct scene *scene = *state;
    assert_false(failed(recover(scene, -1, -1, true)));
    assert_int_equal(scene->partition.next_offset[INPUT_CLICKSTREAM], 3);
    assert_int_equal(scene->partition.next_offset[INPUT_FEEDBACK], 0);
}

static void test_expired_group_positions_come_from_the_state(void **state) {
    struct scene *scene = *state;
    put_state(scene, 17, 4);
    assert_false(failed(recover(scene, -1, -1, true)));
    assert_int_equal(scene->partition.next_offset[INPUT_CLICKSTREAM], 17);
    assert_int_equal(scene->partition.epoch, 4);
}

static void test_positions_that_do_not_belong_together(void **state) {
    struct scene *scene = *state;
    put_state(scene, 17, 4);
    assert_stops(recover(scene, 18, 4, false), "partition-state at 17");
}

static void test_a_group_without_its_state(void **state) {
    struct scene *scene = *state;
    assert_stops(recover(scene, 18, 4, false), "partition-state has no row");
}

static void test_a_row_that_is_not_one(void **state) {
    struct scene *scene = *state;
    put_bytes(scene, TOPIC_USER_STATE, "anna", "garbage");
    assert_stops(recover(scene, -1, -1, false), "not valid");
}

static void test_an_open_decision_without_a_key(void **state) {
    struct scene *scene = *state;
    epoch_tombstone(&scene->epoch, TOPIC_OPEN_DECISIONS, 0, bytes_of_text(""));
    assert_stops(recover(scene, -1, -1, false), "not valid");
}

static void put_user(struct scene *scene, const char *key, const char *name, bool has_open) {
    struct user_state user = {0};
    user_state_init(&user, bytes_of_text(name));
    user.last_event_ms = 5;
    struct user_state_names names = user_store_names(&scene->partition.store);
    if (has_open) {
        struct user_active *active = state_active(&user);
        active->open = memory_new(USER_OPEN_MAX, sizeof *active->open);
        active->open[active->open_count++] = (struct open_decision){.id = {1, 2}};
    }
    struct buffer *out = epoch_begin(&scene->epoch, TOPIC_USER_STATE, 0, bytes_of_text(key));
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_USER_STATE, 0, out);
    user_state_encode(&user, &names, out);
    epoch_end(&scene->epoch);
    user_state_clean_up(&user);
}

static void put_open_decision(struct scene *scene, struct hash128 id) {
    struct open_decision_row row = {.open = {.id = id}, .user_id = bytes_of_text("anna")};
    char key[33];
    hash128_format(id, key);
    struct buffer *out = epoch_begin(&scene->epoch, TOPIC_OPEN_DECISIONS, 0, bytes_of_text(key));
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_OPEN_DECISION, 0, out);
    open_decision_encode(&row, out);
    epoch_end(&scene->epoch);
}

static void test_epochs_that_do_not_belong_together(void **state) {
    struct scene *scene = *state;
    put_state(scene, 17, 4);
    assert_stops(recover(scene, 17, 5, false), "committed epoch 5, partition-state is of 4");
}

static void test_positions_set_by_hand_carry_no_epoch(void **state) {
    struct scene *scene = *state;
    put_state(scene, 17, 4);
    assert_false(failed(recover(scene, 17, -1, false)));
    assert_int_equal(scene->partition.epoch, 4);
}

static void test_users_without_their_partition(void **state) {
    struct scene *scene = *state;
    put_user(scene, "anna", "anna", false);
    assert_stops(recover(scene, -1, -1, false), "user-state has users");
}

static void test_a_user_under_another_key(void **state) {
    struct scene *scene = *state;
    put_state(scene, 17, 4);
    put_user(scene, "bert", "anna", false);
    assert_stops(recover(scene, 17, 4, false), "not valid");
}

static void test_more_users_than_fit(void **state) {
    struct scene *scene = *state;
    put_state(scene, 17, 4);
    put_user(scene, "anna", "anna", false);
    put_user(scene, "bert", "bert", false);
    put_user(scene, "anna", "anna", false); /* a newer row takes no more room */
    assert_false(failed(recover(scene, 17, 4, false)));
    assert_int_equal(scene->partition.store.count, 2);
    assert_int_equal(metric_get(&scene->metrics.recovered_users_total), 2);
    put_user(scene, "carl", "carl", false);
    assert_stops(recover(scene, 17, 4, false), "state.users_max = 2");
}

static void test_tombstones_make_room(void **state) {
    struct scene *scene = *state;
    put_state(scene, 17, 4);
    for (int i = 0; i < 5; i++) {
        put_user(scene, "anna", "anna", false);
        put_user(scene, "bert", "bert", false);
        epoch_tombstone(&scene->epoch, TOPIC_USER_STATE, 0, bytes_of_text("anna"));
        epoch_tombstone(&scene->epoch, TOPIC_USER_STATE, 0, bytes_of_text("nobody"));
    }
    put_user(scene, "carl", "carl", false);
    assert_false(failed(recover(scene, 17, 4, false)));
    assert_int_equal(scene->partition.store.count, 2);
    assert_int_equal(scene->partition.store.eviction.count, 2); /* nothing is left of the rest */
    assert_int_equal(user_store_find(&scene->partition.store, bytes_of_text("anna")), SLOT_NONE);
}

/* One item in the cart, one just seen; the names that it was encoded with are not the partition's.
 */
static void put_shopper(struct scene *scene, const char *name, const char *seen, const char *cart) {
    struct user_store store;
    struct user_state user = {0};
    user_store_init(&store, 1, scene->partition.store.zones);
    user_state_init(&user, bytes_of_text(name));
    user.recent[0] = (struct recent_item){.item = items_intern(&store.items, bytes_of_text(seen))};
    if (cart) {
        struct user_active *active = state_active(&user);
        active->cart = memory_new(1, sizeof *active->cart);
        active->cart[0].item = items_intern(&store.items, bytes_of_text(cart));
        active->cart_count = active->cart_capacity = 1;
    }
    struct user_state_names names = user_store_names(&store);
    struct buffer *out = epoch_begin(&scene->epoch, TOPIC_USER_STATE, 0, bytes_of_text(name));
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_USER_STATE, 0, out);
    user_state_encode(&user, &names, out);
    epoch_end(&scene->epoch);
    user_state_clean_up(&user);
    user_store_clean_up(&store);
}

/* Names are looked up some rows later: whoever comes again before that has given its own back. */
static void test_names_of_a_user_that_comes_again(void **state) {
    struct scene *scene = *state;
    struct user_store *store = &scene->partition.store;
    put_state(scene, 17, 4);
    put_shopper(scene, "anna", "shoe", "sock");
    put_shopper(scene, "bert", "shoe", NULL);
    put_shopper(scene, "anna", "hat", NULL);
    put_shopper(scene, "bert", "scarf", "shoe");
    epoch_tombstone(&scene->epoch, TOPIC_USER_STATE, 0, bytes_of_text("bert"));
    put_shopper(scene, "bert", "glove", "hat");
    assert_false(failed(recover(scene, 17, 4, false)));
    const struct user_state *anna =
        &user_store_get(store, user_store_find(store, bytes_of_text("anna")))->state;
    const struct user_state *bert =
        &user_store_get(store, user_store_find(store, bytes_of_text("bert")))->state;
    uint32_t hat = items_find(&store->items, bytes_of_text("hat"));
    assert_int_equal(store->items.index.count, 2); /* hat, glove: all else was given back */
    assert_int_equal(anna->recent[0].item, hat);
    assert_int_equal(bert->recent[0].item, items_find(&store->items, bytes_of_text("glove")));
    assert_int_equal(bert->active->cart[0].item, hat);
    items_release(&store->items, hat);
    items_release(&store->items, hat);
    assert_int_equal(items_find(&store->items, bytes_of_text("hat")), ITEM_NONE);
}

static void test_an_open_decision_without_its_row(void **state) {
    struct scene *scene = *state;
    put_state(scene, 17, 4);
    put_user(scene, "anna", "anna", true);
    assert_stops(recover(scene, 17, 4, false),
                 "00000000000000010000000000000002 of a user has no row");
    put_open_decision(scene, (struct hash128){1, 2});
    char key[33];
    hash128_format((struct hash128){1, 2}, key);
    epoch_tombstone(&scene->epoch, TOPIC_OPEN_DECISIONS, 0, bytes_of_text(key));
    assert_stops(recover(scene, 17, 4, false), "of a user has no row");
}

static void test_the_partition_state_of_another(void **state) {
    struct scene *scene = *state;
    struct partition_state_row row = {.partition = 3, .epoch = 4};
    struct buffer *out = epoch_begin(&scene->epoch, TOPIC_PARTITION_STATE, 0, bytes_of_text("3"));
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_PARTITION_STATE, 0, out);
    partition_state_encode(&row, out);
    epoch_end(&scene->epoch);
    assert_stops(recover(scene, -1, -1, false), "not valid");
}

static void test_kept_memory_is_current_if_nobody_went_on(void **state) {
    struct scene *scene = *state;
    struct partition *partition = &scene->partition;
    partition->epoch = 4;
    partition->next_offset[INPUT_CLICKSTREAM] = 17;
    partition->next_offset[INPUT_FEEDBACK] = 3;
    struct assignment same = {.next_offset = {17, 3}, .epoch = 4};
    assert_true(recovery_is_current(partition, &same));
    struct assignment clicks = {.next_offset = {18, 3}, .epoch = 4};
    struct assignment feedback = {.next_offset = {17, 4}, .epoch = 4};
    struct assignment ticked = {.next_offset = {17, 3}, .epoch = 5};
    assert_false(recovery_is_current(partition, &clicks));
    assert_false(recovery_is_current(partition, &feedback));
    assert_false(recovery_is_current(partition, &ticked));
}

static void test_an_open_decision_that_nobody_holds(void **state) {
    struct scene *scene = *state;
    put_state(scene, 17, 4);
    put_user(scene, "anna", "anna", true);
    put_open_decision(scene, (struct hash128){1, 2});
    assert_false(failed(recover(scene, 17, 4, false)));
    assert_int_equal(scene->partition.open_count, 1);
    put_open_decision(scene, (struct hash128){1, 3});
    assert_stops(recover(scene, 17, 4, false), "2 rows in open-decisions, users hold 1");
}

/* What a decision froze is what learners train on: a row that is not one stops the start. */
static void test_an_open_decision_that_is_not_one(void **state) {
    struct scene *scene = *state;
    put_bytes(scene, TOPIC_OPEN_DECISIONS, "00112233445566778899aabbccddeeff", "row");
    assert_stops(recover(scene, -1, -1, false), "not valid");
}

static void test_progress_is_shown(void **state) {
    struct scene *scene = *state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int64_t wall_ms = 0;
    struct log_sink log = log_to(out, LOG_INFO, LOG_TEXT, clock_fake(&wall_ms));
    struct recovery recovery = {.log = &log, .metrics = &scene->metrics};
    const struct recovery_metrics *progress = &recovery.progress;
    struct broker_reading reading = {
        .topic = TOPIC_USER_STATE, .partition = 3, .done = 40, .total = 100};

    /* Not recovery: a side topic at the start. */
    recovery_show(&recovery, &reading, RECOVERY_SAY_NS - 1);
    assert_int_equal(ftell(out), 0);
    recovery_show(&recovery, &reading, RECOVERY_SAY_NS);
    fflush(out);
    assert_non_null(strstr(text, "reading topic=user-state partition=3 offsets=40 of=100"));
    assert_int_equal(metric_get(&progress->offsets_total), 0);

    scene->partition.store.count = 3000;
    recovery.partition = &scene->partition;
    recovery.begun_ns = RECOVERY_SAY_NS;
    metric_set(&recovery.progress.partitions_waiting, 5);
    recovery_show(&recovery, &reading, 2 * RECOVERY_SAY_NS - 1);
    assert_int_equal(metric_get(&progress->offsets_done), 40);
    assert_int_equal(metric_get(&progress->offsets_total), 100);
    fflush(out);
    assert_null(strstr(text, "recovering"));
    recovery_show(&recovery, &reading, 2 * RECOVERY_SAY_NS);
    assert_int_equal(metric_get(&progress->users), 3000);
    assert_int_equal(metric_get(&progress->users_per_s), 1500);
    fflush(out);
    assert_non_null(strstr(text, "recovering partition=3 topic=user-state offsets=40 of=100 "
                                 "users=3000 users_per_s=1500 partitions_waiting=5"));
    scene->partition.store.count = 0;
    fclose(out);
    free(text);
}

static void test_the_end_is_shown(void **state) {
    struct scene *scene = *state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int64_t wall_ms = 0;
    struct log_sink log = log_to(out, LOG_INFO, LOG_TEXT, clock_fake(&wall_ms));
    put_state(scene, 2, 4);
    put_user(scene, "anna", "anna", false);
    sim_log_commit(&scene->log, &scene->epoch);
    struct record three[3] = {{.offset = 0}};
    struct sim_options options = {.clicks = three, .click_count = 3};
    struct recovery recovery = {
        .broker = sim_broker_new(&scene->log, &options), .log = &log, .metrics = &scene->metrics};
    struct assignment assignment = {.next_offset = {2, 0}, .epoch = 4};
    assert_false(failed(recovery_run(&recovery, &assignment, &scene->partition)));
    assert_int_equal(metric_get(&recovery.progress.partitions_read_total), 1);
    assert_int_equal(metric_get(&recovery.progress.users), 1);
    assert_int_equal(metric_get(&recovery.progress.offsets_total), 0);
    assert_null(recovery.partition);
    fflush(out);
    assert_non_null(
        strstr(text, "recovered partition=0 users=1 open_decisions=0 epoch=4 offset=2"));

    /* One that fails is not counted. */
    assignment.epoch = 5;
    assert_true(failed(recovery_run(&recovery, &assignment, &scene->partition)));
    assert_int_equal(metric_get(&recovery.progress.partitions_read_total), 1);
    assert_null(recovery.partition);
    broker_close(recovery.broker);
    fclose(out);
    free(text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_at_all_starts_at_the_beginning),
        TEST(test_latest_starts_at_the_end_without_a_position),
        TEST(test_expired_group_positions_come_from_the_state),
        TEST(test_positions_that_do_not_belong_together),
        TEST(test_a_group_without_its_state),
        TEST(test_a_row_that_is_not_one),
        TEST(test_an_open_decision_without_a_key),
        TEST(test_an_open_decision_that_nobody_holds),
        TEST(test_an_open_decision_that_is_not_one),
        TEST(test_epochs_that_do_not_belong_together),
        TEST(test_positions_set_by_hand_carry_no_epoch),
        TEST(test_users_without_their_partition),
        TEST(test_a_user_under_another_key),
        TEST(test_more_users_than_fit),
        TEST(test_tombstones_make_room),
        TEST(test_names_of_a_user_that_comes_again),
        TEST(test_an_open_decision_without_its_row),
        TEST(test_the_partition_state_of_another),
        TEST(test_kept_memory_is_current_if_nobody_went_on),
        TEST(test_progress_is_shown),
        TEST(test_the_end_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
