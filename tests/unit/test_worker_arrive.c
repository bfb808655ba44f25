/* A rebalance: the partition that stays goes on while the one that comes is read back in parts;
 * what is read in part is never taken for a memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "broker/broker_ops.h"
#include "consumer/worker_internal.h"
#include "schemas/schemas.h"
#include "tests/support/user_rows.h"

#define PARTITIONS 2
#define USERS      5
#define EPOCH      7
#define AT         100 /* position of each partition */

/* A seam whose partitions have USERS users each, a part of a read gives one row, and whose events
 * the test chooses. */
struct seam {
    struct broker broker;
    struct broker_event next; /* what the next poll says */
    struct assignment assigned[PARTITIONS];
    bool is_started[PARTITIONS];
    int rows_read[PARTITIONS];
    struct record record; /* of partition 0, if a poll is to bring one */
    bool has_record;
};

static struct seam *of(struct broker *broker) {
    return (struct seam *)broker;
}

static struct failure poll(struct broker *broker, int timeout_ms, size_t records_max,
                           struct broker_event *out) {
    (void)timeout_ms, (void)records_max;
    struct seam *seam = of(broker);
    *out = seam->next;
    seam->next = (struct broker_event){.kind = BROKER_NOTHING};
    if (out->kind == BROKER_NOTHING && seam->has_record && seam->is_started[0]) {
        *out = (struct broker_event){
            .kind = BROKER_RECORDS, .records = &seam->record, .record_count = 1};
        seam->record.offset++;
    }
    return failure_none();
}

static void release(struct broker *broker) {
    (void)broker;
}

static struct failure start(struct broker *broker, int32_t partition,
                            const int64_t next_offset[INPUT_COUNT]) {
    assert_int_equal(next_offset[INPUT_CLICKSTREAM], AT);
    of(broker)->is_started[partition] = true;
    return failure_none();
}

static void give(struct bytes key, enum schema schema, struct bytes body, broker_visit *visit,
                 void *context) {
    struct buffer framed = {0};
    wire_frame(WIRE_SINGLE_OBJECT, schema, 0, &framed);
    buffer_append(&framed, body);
    const struct record record = {.key = key, .value = bytes_of(framed.data, framed.size)};
    visit(context, &record);
    buffer_clean_up(&framed);
}

static void give_state(int32_t partition, broker_visit *visit, void *context) {
    struct buffer body = {0};
    const struct partition_state_row row = {.partition = partition,
                                            .epoch = EPOCH,
                                            .next_offset = {AT, 0},
                                            .event_ms_max = TIME_NONE,
                                            .watermark_ms = TIME_NONE};
    partition_state_encode(&row, &body);
    give(bytes_of_text("0"), SCHEMA_PARTITION_STATE, bytes_of(body.data, body.size), visit,
         context);
    buffer_clean_up(&body);
}

static void give_user(int number, broker_visit *visit, void *context) {
    char id[20];
    snprintf(id, sizeof id, "user-%d", number);
    struct buffer body = {0};
    struct user_state user = user_of(id);
    user_rows_encode(&user, &body);
    give(bytes_of_text(id), SCHEMA_USER_STATE, bytes_of(body.data, body.size), visit, context);
    user_state_clean_up(&user);
    buffer_clean_up(&body);
}

static struct failure read_some(struct broker *broker, enum topic topic, int32_t partition,
                                int budget_ms, broker_visit *visit, void *context,
                                bool *out_is_end) {
    int *rows = &of(broker)->rows_read[partition];
    *out_is_end = topic != TOPIC_USER_STATE;
    if (topic == TOPIC_PARTITION_STATE) {
        give_state(partition, visit, context);
        *rows = 0;
    } else if (topic == TOPIC_USER_STATE) {
        do {
            give_user(++*rows, visit, context);
        } while (budget_ms < 0 && *rows < USERS);
        *out_is_end = *rows == USERS;
    }
    return failure_none();
}

static const struct broker_ops ops = {
    .poll = poll, .release = release, .start = start, .read_some = read_some};

/* ---- a worker on it ---- */

struct scene {
    struct seam seam;
    struct pipeline_config config;
    struct log_sink silent;
    struct health health;
    struct worker worker;
    int64_t wall_ms;
};

/* So that each gathering is one poll. */
static bool stops(void) {
    return true;
}

static int set_up(void **state) {
    static const char text[] = "epoch: {interval: 10ms, ticks: false}\n";
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    struct failure failure =
        pipeline_config_load_text("worker.yaml", text, strlen(text), stderr, &scene->config);
    assert_false(failed(failure));
    health_init(&scene->health, "w-0", 0);
    scene->seam.broker.ops = &ops;
    scene->seam.record = (struct record){.key = bytes_of_text("user-1"), .offset = AT};
    struct worker *worker = &scene->worker;
    worker->broker = &scene->seam.broker;
    worker->health = &scene->health;
    worker->zones = timezone_set_new(NULL);
    worker->partition_count = PARTITIONS;
    worker->owned = memory_new(PARTITIONS, sizeof *worker->owned);
    worker->arriving = memory_new(PARTITIONS, sizeof *worker->arriving);
    worker->settings = (struct worker_settings){.config = &scene->config,
                                                .name = "w-0",
                                                .clock = clock_fake(&scene->wall_ms),
                                                .log = &scene->silent,
                                                .should_stop = stops};
    worker->recovery = (struct recovery){.broker = worker->broker,
                                         .log = &scene->silent,
                                         .metrics = &worker->pipeline.state_metrics};
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    recovery_abandon(&scene->worker.recovery);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        owned_drop_memory(&scene->worker.owned[p]);
        for (int input = 0; input < INPUT_COUNT; input++) {
            free(scene->worker.owned[p].gathered[input]);
        }
    }
    free(scene->worker.owned);
    free(scene->worker.arriving);
    timezone_set_destroy(scene->worker.zones);
    pipeline_config_clean_up(&scene->config);
    free(scene);
    return 0;
}

static void gather(struct scene *scene) {
    struct failure failure = worker_gather(&scene->worker);
    assert_string_equal(failure.text, "");
}

static void assign(struct scene *scene, size_t count) {
    for (size_t i = 0; i < count; i++) {
        scene->seam.assigned[i] =
            (struct assignment){.partition = (int32_t)i, .next_offset = {AT, 0}, .epoch = EPOCH};
    }
    scene->seam.next = (struct broker_event){
        .kind = BROKER_ASSIGNED, .assignments = scene->seam.assigned, .assignment_count = count};
    gather(scene);
}

static void take_away(struct scene *scene, enum broker_event_kind kind) {
    scene->seam.next.kind = kind;
    memset(scene->seam.is_started, 0, sizeof scene->seam.is_started);
    gather(scene);
    assert_int_equal(scene->worker.arriving_count, 0);
}

/* Until everything assigned runs; the epochs' records of partition 0 that came before. */
static size_t gather_until_all_run(struct scene *scene) {
    size_t records = 0;
    while (scene->worker.arriving_count > 0) {
        assert_false(scene->worker.owned[1].is_running);
        assert_false(scene->seam.is_started[1]);
        gather(scene);
        records += scene->worker.owned[0].gathered_count[INPUT_CLICKSTREAM];
        worker_forget_gathered(&scene->worker);
    }
    assert_true(scene->worker.owned[1].is_running);
    assert_true(scene->seam.is_started[1]);
    assert_int_equal(scene->worker.owned[1].partition.store.count, USERS);
    return records;
}

static void test_what_stays_goes_on(void **state) {
    struct scene *scene = *state;
    assign(scene, 1); /* nothing stays: it is read at once */
    assert_true(scene->worker.owned[0].is_running);
    assert_int_equal(scene->worker.owned[0].partition.store.count, USERS);
    take_away(scene, BROKER_REVOKED);
    scene->seam.has_record = true;
    assign(scene, 2);
    assert_true(scene->worker.is_assigned && scene->worker.owned[0].is_running);
    assert_true(scene->seam.is_started[0]);
    assert_true(gather_until_all_run(scene) > 0);
    assert_int_equal(metric_get(&scene->worker.recovery.progress.partitions_kept_total), 1);
}

static void test_half_a_memory_is_none(void **state) {
    struct scene *scene = *state;
    assign(scene, 1);
    take_away(scene, BROKER_REVOKED);
    assign(scene, 2);
    while (scene->seam.rows_read[1] < 2) {
        gather(scene);
    }
    take_away(scene, BROKER_REVOKED);
    assert_false(scene->worker.owned[1].has_memory);
    assert_true(scene->worker.owned[0].has_memory);
    assign(scene, 2);
    assert_int_equal(scene->worker.arriving_count, 1);
    gather_until_all_run(scene);
    take_away(scene, BROKER_LOST);
    assert_false(scene->worker.owned[0].has_memory || scene->worker.owned[1].has_memory);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(test_what_stays_goes_on),
                                       TEST(test_half_a_memory_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
