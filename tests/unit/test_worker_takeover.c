/* A worker that stood still while others took its partitions over: what it reads back contradicts
 * the positions it was given before. If the group takes the partitions away, nothing was wrong; if
 * it does not, the worker stops and says what contradicts what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "consumer/worker.h"
#include "tests/support/sim_broker.h"
#include "tests/support/stream.h"

#define RECORDS 50

static const char config_text[] = "epoch: {interval: 10ms, ticks: false}\n"
                                  "side: {catalogue_rows_max: 10, profiles_rows_max: 10}\n";

/* The simulated broker, which first gives the positions as they were an epoch ago. */
struct stale {
    struct broker broker;
    struct broker *real;
    struct assignment assignment;
    bool takes_away; /* then it says that they are lost */
    int polls;
};

static struct stale *of(struct broker *broker) {
    return (struct stale *)broker;
}

static struct failure poll_stale(struct broker *broker, int timeout_ms, size_t records_max,
                                 struct broker_event *out) {
    struct stale *stale = of(broker);
    *out = (struct broker_event){.kind = BROKER_NOTHING};
    int polls = stale->polls++;
    if (polls == 0) {
        *out = (struct broker_event){
            .kind = BROKER_ASSIGNED, .assignments = &stale->assignment, .assignment_count = 1};
    } else if (stale->takes_away && polls == 3) {
        out->kind = BROKER_LOST;
    } else if (stale->takes_away && polls > 3) {
        return broker_poll(stale->real, timeout_ms, records_max, out);
    }
    return failure_none();
}

static void release(struct broker *broker) {
    broker_release(of(broker)->real);
}

static struct failure start(struct broker *broker, int32_t partition,
                            const int64_t next_offset[INPUT_COUNT]) {
    return broker_start(of(broker)->real, partition, next_offset);
}

static struct epoch *epoch(struct broker *broker) {
    return broker_epoch(of(broker)->real);
}

static struct failure submit(struct broker *broker, struct epoch *given) {
    return broker_submit(of(broker)->real, given);
}

static struct failure drain(struct broker *broker, bool *out_committed) {
    return broker_drain(of(broker)->real, out_committed);
}

static struct failure log_end(struct broker *broker, enum broker_input input, int32_t partition,
                              int64_t *out) {
    return broker_log_end(of(broker)->real, input, partition, out);
}

static struct failure position(struct broker *broker, enum broker_input input, int32_t partition,
                               int64_t *out) {
    return broker_position(of(broker)->real, input, partition, out);
}

static struct failure partition_count(struct broker *broker, enum topic topic, int32_t *out) {
    return broker_partition_count(of(broker)->real, topic, out);
}

static struct failure read_to_end(struct broker *broker, enum topic topic, int32_t partition,
                                  broker_visit *visit, void *context) {
    return broker_read_to_end(of(broker)->real, topic, partition, visit, context);
}

static struct failure side(struct broker *broker, enum topic topic, broker_visit *visit,
                           void *context, int64_t *out_position) {
    return broker_side_poll(of(broker)->real, topic, visit, context, out_position);
}

static const struct broker_metrics *metrics(const struct broker *broker) {
    return broker_metrics_of(((const struct stale *)broker)->real);
}

static void close_stale(struct broker *broker) {
    broker_close(of(broker)->real);
}

static const struct broker_ops ops = {
    .poll = poll_stale,
    .release = release,
    .start = start,
    .epoch = epoch,
    .submit = submit,
    .drain = drain,
    .log_end = log_end,
    .position = position,
    .partition_count = partition_count,
    .read_to_end = read_to_end,
    .side_poll = side,
    .metrics = metrics,
    .close = close_stale,
};

static bool never(void) {
    return false;
}

/* Runs a worker to the end of the stream; stale NULL = on the simulated broker itself. */
static struct failure run(const struct stream *stream, size_t count, struct sim_log *log,
                          struct stale *stale) {
    static int64_t wall_ms = STREAM_START_MS;
    struct pipeline_config config;
    struct failure failure =
        pipeline_config_load_text("worker.yaml", config_text, strlen(config_text), stderr, &config);
    assert_false(failed(failure));
    struct log_sink silent = {.out = NULL};
    struct sim_options options = {.clicks = stream->records, .click_count = count, .seed = 1};
    struct broker *broker = sim_broker_new(log, &options);
    if (stale) {
        stale->broker.ops = &ops;
        stale->real = broker;
        broker = &stale->broker;
    }
    struct worker_settings settings = {.config = &config,
                                       .name = "sim",
                                       .until_end = true,
                                       .clock = clock_fake(&wall_ms),
                                       .log = &silent,
                                       .should_stop = never};
    struct health health;
    struct worker *worker;
    health_init(&health, "sim", wall_ms);
    failure = worker_new_on(&settings, broker, &health, &worker);
    assert_false(failed(failure));
    failure = worker_run(worker);
    worker_destroy(worker);
    pipeline_config_clean_up(&config);
    return failure;
}

struct scene {
    struct stream stream;
    struct sim_log log;
    struct stale stale;
};

/* The position of half the stream is given once more after all of it was committed. */
static int set_up(void **state) {
    static const struct stream_options options = {
        .records = RECORDS, .users = 5, .gap_ms_max = 1000, .has_ids = true};
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    stream_random(&scene->stream, 1, &options);
    sim_log_init(&scene->log);
    assert_false(failed(run(&scene->stream, RECORDS / 2, &scene->log, NULL)));
    scene->stale.assignment = (struct assignment){.epoch = scene->log.epoch};
    memcpy(scene->stale.assignment.next_offset, scene->log.next_offset,
           sizeof scene->log.next_offset);
    assert_false(failed(run(&scene->stream, RECORDS - 5, &scene->log, NULL)));
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    sim_log_clean_up(&scene->log);
    stream_clean_up(&scene->stream);
    free(scene);
    return 0;
}

static void test_what_the_group_takes_away_was_no_contradiction(void **state) {
    struct scene *scene = *state;
    scene->stale.takes_away = true;
    struct failure failure = run(&scene->stream, RECORDS, &scene->log, &scene->stale);
    assert_string_equal(failure.text, "");
    assert_int_equal(scene->log.next_offset[INPUT_CLICKSTREAM], RECORDS);
}

static void test_what_it_leaves_is_one(void **state) {
    struct scene *scene = *state;
    struct failure failure = run(&scene->stream, RECORDS, &scene->log, &scene->stale);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "do not belong together"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_the_group_takes_away_was_no_contradiction, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_it_leaves_is_one, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
