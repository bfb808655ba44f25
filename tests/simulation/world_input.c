/* What comes in: events and feedback of each partition, with transactions, control records and
 * aborted records among them; side topics. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "schemas/schemas.h"
#include "tests/simulation/world.h"

#define FEED_SECONDS_MIN 30
#define FEED_SECONDS_MAX 150
#define ITEMS            30
#define USERS            12 /* of a partition */
#define END_AFTER_MS     (INT64_C(40) * 24 * 3600 * 1000)
#define TXN_TIMEOUT_US   (60 * SIM_SECOND)

/* Small windows, small tables: much happens in few events. */
#define CONFIG_COMMON                                                                              \
    "side: {catalogue_rows_max: 100, profiles_rows_max: 100}\n"                                    \
    "clean: {lateness: 60s}\n"                                                                     \
    "state: {users_max: 10}\n"                                                                     \
    "triggers:\n"                                                                                  \
    "  cart_abandoned: {idle: 20m}\n"                                                              \
    "  checkout_abandoned: {idle: 10m}\n"                                                          \
    "  browse_abandoned: {idle: 15m, views_min: 2}\n"                                              \
    "  observe: {share: 0.3, within: 10m}\n"                                                       \
    "outcomes: {observe_window: 10m, trigger_window: 2h, cancel_window: 6h, return_window: 1d}\n"  \
    "decide:\n"                                                                                    \
    "  mode: live\n"                                                                               \
    "  trial_share: 0.3\n"                                                                         \
    "  cap_per_hour: 12\n"                                                                         \
    "  cap_per_user_day: 3\n"                                                                      \
    "  cap_per_user_week: 8\n"                                                                     \
    "  attribution_window: 12h\n"                                                                  \
    "  offers:\n"                                                                                  \
    "    - {id: ten, kind: percent_off, value: 10, valid: 2h, title: t, body: \"{items}\"}\n"      \
    "    - {id: rem, kind: reminder, valid: 2h, title: t, body: b}\n"                              \
    "    - {id: five, kind: amount_off, value: 5, valid: 2h, title: t, body: b}\n"                 \
    "  rules:\n"                                                                                   \
    "    - {trigger: cart_abandoned, offer: ten, basket_min: 40}\n"                                \
    "    - {trigger: cart_abandoned, offer: rem}\n"                                                \
    "    - {trigger: checkout_abandoned, offer: rem}\n"                                            \
    "    - {trigger: browse_abandoned, offer: rem}\n"

static const char *const texts[LANE_COUNT] = {
    [LANE_FROZEN] = "epoch: {interval: 100ms, events_max: 80, backlog_interval: 300ms, "
                    "micro_batch_max: 16, ticks: false, heartbeat: 5s}\n"
                    "learn:\n"
                    "  batch_offsets: 16\n"
                    "  arm_decisions_min: 4\n"
                    "  arm_age_min: 2h\n"
                    "  alarm_ratio: 0\n"
                    "  learners: [{name: one, bits: 10}]\n" CONFIG_COMMON,
    [LANE_LIVE] = "epoch: {interval: 100ms, events_max: 80, backlog_interval: 300ms, "
                  "micro_batch_max: 16, ticks: true, idle_after: 1s, heartbeat: 5s}\n"
                  "learn:\n"
                  "  batch_offsets: 16\n"
                  "  publish_interval: 1s\n"
                  "  arm_decisions_min: 4\n"
                  "  arm_age_min: 2h\n"
                  "  alarm_ratio: 0\n"
                  "  learners:\n"
                  "    - {name: one, bits: 10}\n"
                  "    - {name: two, role: challenger, bits: 10, alpha: 0.5}\n" CONFIG_COMMON,
};

static struct pipeline_config configs[LANE_COUNT];
static bool has_config[LANE_COUNT];

const char *world_config_text(enum lane lane) {
    return texts[lane];
}

const struct pipeline_config *world_config(enum lane lane) {
    if (!has_config[lane]) {
        struct failure failure = pipeline_config_load_text(
            lane_names[lane], texts[lane], strlen(texts[lane]), stderr, &configs[lane]);
        assert(!failed(failure));
        has_config[lane] = true;
    }
    return &configs[lane];
}

void world_config_free(void) {
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        if (has_config[lane]) {
            pipeline_config_clean_up(&configs[lane]);
            has_config[lane] = false;
        }
    }
}

/* ---- events ---- */

/* Everything that waits for a time fires before this one. */
static void add_last(struct stream *stream, int64_t last_ms) {
    struct event_line line = {.price = 10, .quantity = 1, .item_id = bytes_of_text("item-1")};
    struct event event;
    event_clear(&event, &line);
    event.user_id = bytes_of_text("user-last");
    event.event_id = bytes_of_text("e-last");
    event.type = EVENT_PRODUCT_VIEWED;
    event.event_ms = last_ms + END_AFTER_MS;
    event.consent = CONSENT_GRANTED;
    event.line_count = 1;
    stream_add(stream, INPUT_CLICKSTREAM, &event, event.event_ms);
}

/* Events of a stream that is not sealed go on in another one. */
static void draw_clicks(struct world *world, int32_t p) {
    struct stream drawn = {0};
    struct stream_options options = {
        .records = 60 + (size_t)rng_below(&world->rng, 240),
        .users = USERS,
        .first_user = p * 100,
        .gap_ms_max = 60000 + (int64_t)rng_below(&world->rng, 240000),
        .jitter_ms_max = 30000,
        .late_share = 0.02,
        .duplicate_share = 0.02,
        .garbage_share = 0.02,
        .has_ids = true,
    };
    stream_random(&drawn, rng_u64(&world->rng), &options);
    int64_t last_ms = 0;
    for (size_t i = 0; i < drawn.count; i++) {
        const struct record *record = &drawn.records[i];
        stream_add_bytes(&world->clicks[p], INPUT_CLICKSTREAM, record->key, record->value,
                         record->timestamp_ms);
        last_ms = record->timestamp_ms;
    }
    add_last(&world->clicks[p], last_ms);
    stream_seal(&world->clicks[p]);
    stream_clean_up(&drawn);
}

/* Feedback that nobody waits for: dead letters, whenever it is read. */
static void draw_feedback(struct world *world, int32_t p) {
    size_t count = (size_t)rng_below(&world->rng, 20);
    for (size_t i = 0; i < count; i++) {
        char value[32];
        int size = snprintf(value, sizeof value, "no feedback %d %zu", (int)p, i);
        stream_add_bytes(&world->feedback[p], INPUT_FEEDBACK, bytes_of_text("nobody"),
                         bytes_of(value, (size_t)size), WORLD_START_MS);
    }
    stream_seal(&world->feedback[p]);
}

void world_input_init(struct world *world) {
    for (int32_t p = 0; p < world->partitions; p++) {
        draw_clicks(world, p);
        draw_feedback(world, p);
        for (int user = 0; user < USERS; user += 2) {
            world_put_profile(world, p * 100 + user, "north");
        }
    }
    for (int item = 0; item < ITEMS; item++) {
        world_put_item(world, item, item % 3 ? 0.3 : NAN);
    }
    if (world->options.lane == LANE_FROZEN && rng_below(&world->rng, 4)) {
        world_model_write(world);
    }
}

void world_input_clean_up(struct world *world) {
    for (int32_t p = 0; p < world->partitions; p++) {
        stream_clean_up(&world->clicks[p]);
        stream_clean_up(&world->feedback[p]);
    }
}

/* ---- the shop ---- */

/* Records that are taken back, or a transaction of the shop's with real ones in it. */
static void append_in_transaction(struct world *world, enum topic topic, int32_t p,
                                  const struct record *records, size_t count, bool commits) {
    struct cluster *cluster = &world->cluster;
    struct cluster_producer *shop;
    int32_t epoch;
    while (cluster_init_producer(cluster, "shop", TXN_TIMEOUT_US, &shop, &epoch) != ANSWER_OK ||
           cluster_add_partition(cluster, shop, epoch, topic, p) != ANSWER_OK) {
        schedule_sleep(&world->schedule, SIM_MS);
    }
    for (size_t i = 0; i < count; i++) {
        enum answer answer = cluster_produce(cluster, shop, epoch, topic, p, records[i].key,
                                             records[i].value, records[i].timestamp_ms);
        assert(answer == ANSWER_OK);
        schedule_sleep(&world->schedule, (int64_t)rng_below(&world->rng, 20 * SIM_MS));
    }
    enum answer answer = cluster_end_transaction(cluster, shop, epoch, commits);
    assert(answer == ANSWER_OK);
}

static void append_plainly(struct world *world, enum topic topic, int32_t p,
                           const struct record *records, size_t count) {
    for (size_t i = 0; i < count; i++) {
        cluster_append(&world->cluster, topic, p, records[i].key, records[i].value,
                       records[i].timestamp_ms);
    }
}

/* The next few records of a stream. */
static void feed(struct world *world, enum topic topic, int32_t p, const struct stream *stream,
                 size_t *fed) {
    size_t left = stream->count - *fed;
    size_t count = 1 + (size_t)rng_below(&world->rng, 12);
    count = count < left ? count : left;
    if (count == 0) {
        return;
    }
    uint64_t manner = rng_below(&world->rng, 10);
    if (manner == 0) {
        append_in_transaction(world, topic, p, stream->records + *fed, count, false);
    }
    if (manner < 3) {
        append_in_transaction(world, topic, p, stream->records + *fed, count, true);
    } else {
        append_plainly(world, topic, p, stream->records + *fed, count);
    }
    *fed += count;
}

void world_shop_run(void *context) {
    struct world *world = context;
    size_t clicks[CLUSTER_PARTITIONS_MAX] = {0}, feedback[CLUSTER_PARTITIONS_MAX] = {0};
    size_t total = 0, left = 1;
    for (int32_t p = 0; p < world->partitions; p++) {
        total += world->clicks[p].count + world->feedback[p].count;
    }
    int64_t seconds = fault_length(&world->faults, FEED_SECONDS_MIN, FEED_SECONDS_MAX);
    int64_t pause_us = 2 * seconds * SIM_SECOND / (int64_t)(total / 6 + 1);
    while (left > 0) {
        int32_t p = (int32_t)rng_below(&world->rng, (uint64_t)world->partitions);
        feed(world, TOPIC_CLICKSTREAM, p, &world->clicks[p], &clicks[p]);
        feed(world, TOPIC_PUSH_FEEDBACK, p, &world->feedback[p], &feedback[p]);
        schedule_sleep(&world->schedule, (int64_t)rng_below(&world->rng, (uint64_t)pause_us));
        left = 0;
        for (int32_t i = 0; i < world->partitions; i++) {
            left += world->clicks[i].count - clicks[i];
            left += world->feedback[i].count - feedback[i];
        }
    }
    sim_trace(&world->site, "the shop has written everything");
    world->is_input_done = true;
}

/* ---- the end ---- */

/* After the last record that can be read. */
static int64_t wanted(const struct partition_log *log) {
    int64_t end = log->end;
    while (end > 0 && !partition_log_is_visible(log, end - 1)) {
        end--;
    }
    return end;
}

bool world_is_consumed(const struct world *world) {
    const struct cluster *cluster = &world->cluster;
    if (!world->is_input_done || cluster->group_count == 0) {
        return false;
    }
    const struct cluster_group *group = &cluster->groups[0];
    for (int32_t p = 0; p < world->partitions; p++) {
        for (int input = 0; input < group->input_count; input++) {
            const struct partition_log *log = &cluster->logs[group->inputs[input]][p];
            if (partition_log_stable(log) != log->end ||
                group->committed[input][p].offset < wanted(log)) {
                return false;
            }
        }
    }
    return true;
}
