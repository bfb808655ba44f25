/* What a worker reads before its first record: rows of partition-state, user-state and
 * open-decisions, and of control, catalogue and profiles. A length and a flag (tombstone), key and
 * value each; the first byte of a row says which topic. Recovery refuses or gives a partition that
 * can be written again; side topics keep what is good. */
#include "broker/broker_ops.h"
#include "consumer/pipeline_config.h"
#include "consumer/recovery.h"
#include "consumer/side/side_table.h"
#include "schemas/schemas.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#define USERS_MAX 16
#define ROWS_MAX  128

enum { IS_TOMBSTONE = 0x80, IS_FRAMED = 0x40 };
static const struct {
    enum topic topic;
    enum schema schema;
} kinds[] = {
    {TOPIC_PARTITION_STATE, SCHEMA_PARTITION_STATE}, {TOPIC_USER_STATE, SCHEMA_USER_STATE},
    {TOPIC_OPEN_DECISIONS, SCHEMA_OPEN_DECISION},    {TOPIC_CONTROL, SCHEMA_CONTROL},
    {TOPIC_CATALOGUE, SCHEMA_CATALOGUE_ITEM},        {TOPIC_PROFILES, SCHEMA_PROFILE},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

struct rows_broker {
    struct broker broker;
    struct row {
        enum topic topic;
        struct buffer key, value;
        bool is_tombstone;
    } rows[ROWS_MAX];
    size_t count;
};

static void visit_rows(struct broker *broker, enum topic topic, broker_visit *visit,
                       void *context) {
    struct rows_broker *all = (struct rows_broker *)broker;
    for (size_t i = 0; i < all->count; i++) {
        if (all->rows[i].topic == topic) {
            struct bytes value = buffer_bytes(&all->rows[i].value);
            const struct record record = {
                .key = buffer_bytes(&all->rows[i].key),
                .value = all->rows[i].is_tombstone ? bytes_of(NULL, 0) : value,
                .timestamp_ms = 1790000000000,
            };
            visit(context, &record);
        }
    }
}

static struct failure read_to_end(struct broker *broker, enum topic topic, int32_t partition,
                                  broker_visit *visit, void *context) {
    (void)partition;
    visit_rows(broker, topic, visit, context);
    return failure_none();
}

static struct failure side_rows(struct broker *broker, enum topic topic, broker_visit *visit,
                                void *context, int64_t *out_position) {
    visit_rows(broker, topic, visit, context);
    *out_position = 1;
    return failure_none();
}

static void take_rows(struct rows_broker *broker, struct fuzz_input *input) {
    while (input->left.size > 0 && broker->count < ROWS_MAX) {
        unsigned flags = (unsigned)fuzz_number(input, 1);
        size_t kind = (flags & 0x3f) % KINDS;
        struct bytes key = fuzz_piece(input), body = fuzz_piece(input);
        struct row *row = &broker->rows[broker->count++];
        row->topic = kinds[kind].topic;
        row->is_tombstone = flags & IS_TOMBSTONE;
        if (flags & IS_FRAMED) {
            wire_frame(WIRE_SINGLE_OBJECT, kinds[kind].schema, 0, &row->value);
        }
        buffer_append(&row->key, key);
        buffer_append(&row->value, body);
        free((void *)(uintptr_t)key.data);
        free((void *)(uintptr_t)body.data);
    }
}

static void check_sides(struct rows_broker *broker, const struct side_config *config) {
    struct side side;
    side_init(&side, config);
    FUZZ_ASSERT(!failed(side_poll(&side, &broker->broker)));
    for (size_t i = 0; i < broker->count; i++) {
        struct bytes key = buffer_bytes(&broker->rows[i].key);
        struct catalogue_item_row item;
        struct profile_row profile;
        FUZZ_ASSERT(!side_catalogue_get(&side, key, &item) || bytes_equal(item.item_id, key));
        FUZZ_ASSERT(!side_profile_get(&side, key, &profile) || bytes_equal(profile.user_id, key));
    }
    FUZZ_ASSERT(memchr(side.champion, 0, sizeof side.champion));
    side_clean_up(&side);
}

/* Every user and the partition can be written again. */
static void check_partition(const struct partition *partition) {
    struct user_state_names names = user_store_names((struct user_store *)&partition->store);
    struct buffer row = {0};
    for (uint32_t slot = 0; slot < partition->store.slot_count; slot++) {
        const struct user_slot *tenant = user_store_get(&partition->store, slot);
        if (tenant->is_used) {
            buffer_clear(&row);
            user_state_encode(&tenant->state, &names, &row);
        }
    }
    struct partition_state_row state;
    partition_to_row(partition, &state);
    buffer_clear(&row);
    partition_state_encode(&state, &row);
    buffer_clean_up(&row);
}

static void recover(struct rows_broker *broker, struct fuzz_input *input) {
    static struct timezone_set *zones;
    static const struct log_sink log; /* silent */
    zones = zones ? zones : timezone_set_new(NULL);
    struct partition partition;
    struct state_metrics metrics = {0};
    struct recovery recovery = {.broker = &broker->broker, .log = &log, .metrics = &metrics};
    struct assignment assignment = {.epoch = (int8_t)fuzz_number(input, 1)};
    for (int i = 0; i < INPUT_COUNT; i++) {
        assignment.next_offset[i] = (int8_t)fuzz_number(input, 1);
    }
    take_rows(broker, input);
    partition_init(&partition, 0, USERS_MAX, zones);
    if (!failed(recovery_run(&recovery, &assignment, &partition))) {
        check_partition(&partition);
    }
    partition_clean_up(&partition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct broker_ops ops = {.read_to_end = read_to_end, .side_poll = side_rows};
    static struct rows_broker broker;
    static struct pipeline_config config;
    if (!broker.broker.ops) {
        schemas_init();
        FUZZ_ASSERT(!failed(pipeline_config_load_text("fuzz", "", 0, stderr, &config)));
        broker.broker.ops = &ops;
    }
    struct fuzz_input input = {bytes_of(data, size)};
    struct side_config sides = config.side;
    sides.catalogue_rows_max = sides.profiles_rows_max = 8;
    recover(&broker, &input);
    check_sides(&broker, &sides);
    for (size_t i = 0; i < broker.count; i++) {
        buffer_clean_up(&broker.rows[i].key);
        buffer_clean_up(&broker.rows[i].value);
        broker.rows[i] = (struct row){0};
    }
    broker.count = 0;
    return 0;
}
