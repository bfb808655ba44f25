/* The learner on a straight line: committed examples in their order, and at each committed version
 * all rows of the topic `model` must be what this learner has. */
#include "consumer/rooms/model_rows.h"
#include "schemas/schemas.h"
#include "tests/simulation/oracle.h"

struct scholar {
    const struct world *world;
    const struct kept_topic *examples;
    size_t read;          /* of examples */
    int64_t whole;        /* mini-batches before this offset are over */
    int64_t changed_last; /* -1 = nothing since the last export */
    struct model model;
    struct model_rows rows; /* of all mini-batches so far */
};

static void keep_row(void *context, const struct learner_row *row) {
    struct scholar *scholar = context;
    int64_t size = scholar->world->config->learn.batch_offsets;
    model_rows_put(&scholar->rows, row, (scholar->changed_last / size + 1) * size, false, false);
}

/* Everything before this end of a mini-batch was read. */
static void end_batch(struct scholar *scholar) {
    if (scholar->changed_last >= 0) {
        scholar->model.kind->export_rows(scholar->model.memory, false, keep_row, scholar);
        track_export_rows(scholar->model.track, false, keep_row, scholar);
        scholar->changed_last = -1;
    }
}

static void learn(struct scholar *scholar, const struct record *record) {
    struct example_row row;
    struct learner_example example;
    struct track_example track;
    struct bytes body;
    if (wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, record->value, &body) &&
        example_decode(body, &row) &&
        model_example(&scholar->model, &row, &example, &track) == MODEL_EXAMPLE_OK &&
        track_take(scholar->model.track, &track)) {
        scholar->changed_last = record->offset;
        (void)scholar->model.kind->learn(scholar->model.memory, &example);
    }
}

static void learn_until(struct scholar *scholar, int64_t version) {
    int64_t size = scholar->world->config->learn.batch_offsets;
    while (scholar->read < scholar->examples->count &&
           scholar->examples->records[scholar->read].offset < version) {
        const struct record *record = &scholar->examples->records[scholar->read++];
        if (record->offset >= scholar->whole + size) {
            end_batch(scholar);
            scholar->whole = record->offset / size * size;
        }
        learn(scholar, record);
    }
    end_batch(scholar);
    scholar->whole = version;
}

static const struct model_rows_item *find(const struct model_rows *rows, const char *key) {
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->items[i].key, key) == 0) {
            return &rows->items[i];
        }
    }
    return NULL;
}

static void compare(struct world *world, const struct scholar *scholar,
                    const struct model_rows *found, const char *learner, int64_t version) {
    if (scholar->rows.count != found->count) {
        world_violation(world, "model, %s, version %lld: %zu rows, expected %zu", learner,
                        (long long)version, found->count, scholar->rows.count);
    }
    for (size_t i = 0; i < scholar->rows.count; i++) {
        const struct model_rows_item *wanted = &scholar->rows.items[i];
        const struct model_rows_item *item = find(found, wanted->key);
        if (!item || item->version_offset != wanted->version_offset ||
            !bytes_equal(buffer_bytes(&item->values), buffer_bytes(&wanted->values))) {
            world_violation(
                world, "model, %s, version %lld: row %s %s, of %lld, expected %lld", learner,
                (long long)version, wanted->key, item ? "has other values" : "is not there",
                item ? (long long)item->version_offset : -1, (long long)wanted->version_offset);
            return;
        }
    }
}

static bool row_of(const struct record *record, const char *learner, struct model_row *out) {
    struct bytes body;
    return record->value.data &&
           wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, record->value, &body) &&
           model_row_decode(body, out) && bytes_equal(out->learner, bytes_of_text(learner));
}

static void put(struct model_rows *rows, const struct model_row *row) {
    struct learner_row put = {.values = row->values};
    (void)snprintf(put.key, sizeof put.key, "%.*s", BYTES_ARG(row->row));
    model_rows_put(rows, &put, row->version_offset, false, false);
}

static void check_learner(struct world *world, const struct kept_log *committed,
                          const struct learner_config *learner) {
    const struct kept_topic *model = &committed->topics[TOPIC_MODEL];
    struct scholar scholar = {
        .world = world, .examples = &committed->topics[TOPIC_EXAMPLES], .changed_last = -1};
    struct model_rows found;
    int64_t last = 0;
    model_init(&scholar.model, learner, &world->config->decide);
    model_rows_init(&scholar.rows);
    model_rows_init(&found);
    for (size_t i = 0; i < model->count; i++) {
        struct model_row row;
        if (!row_of(&model->records[i], learner->name, &row)) {
            continue;
        }
        if (!bytes_equal(row.row, bytes_of_text(MODEL_VERSION_ROW))) {
            put(&found, &row);
            continue;
        }
        if (row.version_offset <= last) {
            world_violation(world, "model, %s: version %lld after %lld", learner->name,
                            (long long)row.version_offset, (long long)last);
        }
        last = row.version_offset;
        world->result->versions++;
        learn_until(&scholar, last);
        compare(world, &scholar, &found, learner->name, last);
    }
    model_rows_clean_up(&found);
    model_rows_clean_up(&scholar.rows);
    model_clean_up(&scholar.model);
}

void oracle_check_model(struct world *world, const struct kept_log *committed) {
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    size_t count = learn_config_list(&world->config->learn, learners);
    for (size_t i = 0; i < count && world->options.lane == LANE_LIVE; i++) {
        check_learner(world, committed, learners[i]);
    }
}
