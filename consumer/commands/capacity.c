#include "consumer/commands/capacity.h"

#include <stdlib.h>

#include "consumer/ops/printable.h"

/* Assumptions of the plan; the tables' own sizes come from the structs. */
#define USER_ID_BYTES 24.0 /* with the allocator's share */
/* Users with a cart, a timer or an open decision: in the season all of them. */
#define ACTIVE_SHARE        1.0
#define CART_LINES          2.0
#define OPEN_DECISIONS      1.0
#define ITEM_BYTES          64.0 /* interned id and its table entries, per user; most share */
#define CATALOGUE_ROW_BYTES 320.0
#define PROFILE_ROW_BYTES   200.0
#define OPEN_ROW_BYTES      1200.0 /* what a decision froze, with its place in the table */
#define LEARNER_COPIES      4.0    /* the worker's and the trainer's, each with rows under way */
#define EPOCH_RECORD_BYTES                                                                         \
    700.0 /* output of one input record: at worst a user's row and a decision's part */
#define EPOCH_BUFFERS 2.0
/* What is fetched and waits: librdkafka bounds the messages' own bytes, not what it needs beside
 * each of them. The records of an epoch are kept until it is computed. */
#define QUEUE_BYTES            (128.0 * 1024 * 1024)
#define MESSAGE_BYTES          150.0
#define MESSAGE_OVERHEAD_BYTES 450.0

static double bytes_of_user(void) {
    double index = 1.5 * 1.5 * sizeof(struct slot_entry); /* at most 2/3 full, doubled when full */
    double active = sizeof(struct user_active) + CART_LINES * sizeof(struct cart_line) +
                    OPEN_DECISIONS * sizeof(struct open_decision);
    return (double)sizeof(struct user_slot) + USER_ID_BYTES + index +
           2.0 * sizeof(struct timer_entry) + ITEM_BYTES + ACTIVE_SHARE * active;
}

/* Whoever has four open decisions is at his own bound. */
static double open_rows_of(const struct pipeline_config *config) {
    double by_users = (double)config->state.users_max * USER_OPEN_MAX;
    double by_partition = (double)config->outcomes.open_max;
    return (by_users < by_partition ? by_users : by_partition) * OPEN_ROW_BYTES;
}

static double bytes_of_learners(const struct learn_config *config) {
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    size_t count = learn_config_list(config, learners);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        void *options = learner_config_options(learners[i]);
        sum += (double)learner_config_kind(learners[i])->memory_bytes(options, &model_space) +
               (double)track_memory_bytes();
        free(options);
    }
    return sum * LEARNER_COPIES;
}

struct capacity capacity_plan(const struct pipeline_config *config, int32_t partitions) {
    struct capacity capacity = {.partitions = partitions > 0 ? partitions : 1,
                                .user_bytes = bytes_of_user()};
    capacity.users_bytes =
        capacity.partitions * (double)config->state.users_max * capacity.user_bytes;
    capacity.open_bytes = capacity.partitions * open_rows_of(config);
    capacity.learner_bytes = bytes_of_learners(&config->learn);
    capacity.side_bytes = (double)config->side.catalogue_rows_max * CATALOGUE_ROW_BYTES +
                          (double)config->side.profiles_rows_max * PROFILE_ROW_BYTES;
    capacity.epoch_bytes = EPOCH_BUFFERS * (double)config->epoch.events_max * EPOCH_RECORD_BYTES;
    double messages = QUEUE_BYTES / MESSAGE_BYTES + (double)config->epoch.events_max;
    capacity.queue_bytes = messages * (MESSAGE_BYTES + MESSAGE_OVERHEAD_BYTES);
    capacity.total_bytes = capacity.users_bytes + capacity.open_bytes + capacity.learner_bytes +
                           capacity.side_bytes + capacity.epoch_bytes + capacity.queue_bytes;
    return capacity;
}

static void append_size(struct buffer *out, double bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1000 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1024;
        unit++;
    }
    buffer_format(out, "%.*f %s", bytes < 10 ? 1 : 0, bytes, units[unit]);
}

void capacity_write(const struct capacity *capacity, const struct pipeline_config *config,
                    struct buffer *out) {
    buffer_format(out, "capacity: %d partition%s x ", capacity->partitions,
                  capacity->partitions == 1 ? "" : "s");
    printable_append_count(out, config->state.users_max);
    buffer_append(out, bytes_of_text(" users x "));
    append_size(out, capacity->user_bytes);
    buffer_append(out, bytes_of_text(" = "));
    append_size(out, capacity->users_bytes);
    buffer_append(out, bytes_of_text("; open decisions "));
    append_size(out, capacity->open_bytes);
    buffer_append(out, bytes_of_text("; learners "));
    append_size(out, capacity->learner_bytes);
    buffer_append(out, bytes_of_text("; side topics "));
    append_size(out, capacity->side_bytes);
    buffer_append(out, bytes_of_text("; epochs "));
    append_size(out, capacity->epoch_bytes);
    buffer_append(out, bytes_of_text("; fetched messages "));
    append_size(out, capacity->queue_bytes);
    buffer_append(out, bytes_of_text("; together "));
    append_size(out, capacity->total_bytes);
    buffer_append(out, bytes_of_text(" in a worker that owns them all and is full\n"));
}

void capacity_write_json(const struct capacity *capacity, struct buffer *out) {
    buffer_format(out,
                  "{\"partitions\":%d,\"user_bytes\":%.0f,\"users_bytes\":%.0f,\"open_bytes\":%.0f,"
                  "\"learner_bytes\":%.0f,\"side_bytes\":%.0f,\"epoch_bytes\":%.0f,"
                  "\"queue_bytes\":%.0f,\"total_bytes\":%.0f}",
                  capacity->partitions, capacity->user_bytes, capacity->users_bytes,
                  capacity->open_bytes, capacity->learner_bytes, capacity->side_bytes,
                  capacity->epoch_bytes, capacity->queue_bytes, capacity->total_bytes);
}
