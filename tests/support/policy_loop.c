#include "tests/support/policy_loop.h"

#include "schemas/schemas.h"

void policy_loop_init(struct policy_loop *loop, const struct pipeline_config *config) {
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    *loop = (struct policy_loop){.config = config};
    (void)learn_config_list(&config->learn, learners);
    model_init(&loop->model, learners[0], &config->decide);
}

void policy_loop_clean_up(struct policy_loop *loop) {
    model_clean_up(&loop->model);
    buffer_clean_up(&loop->published);
}

/* ---- rows out, rows in ---- */

static void append_sized(struct buffer *out, struct bytes bytes) {
    uint64_t size = bytes.size;
    buffer_append(out, bytes_of(&size, sizeof size));
    buffer_append(out, bytes);
}

static void publish_row(struct policy_loop *loop, const char *key, const char *kind,
                        struct bytes values) {
    struct buffer text = {0}, body = {0};
    struct model_row row = {
        .learner = bytes_of_text(loop->model.config->name),
        .row = bytes_of_text(key),
        .kind = bytes_of_text(kind),
        .values = values,
        .version_offset = loop->next_offset,
    };
    buffer_format(&text, "%s/%s", loop->model.config->name, key);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, &body);
    model_row_encode(&row, &body);
    append_sized(&loop->published, buffer_bytes(&text));
    append_sized(&loop->published, buffer_bytes(&body));
    buffer_clean_up(&text);
    buffer_clean_up(&body);
}

static void visit(void *context, const struct learner_row *row) {
    publish_row(context, row->key, learner_row_kind_names[row->kind], row->values);
}

static void end_batch(struct policy_loop *loop) {
    struct model *model = &loop->model;
    model->kind->export_rows(model->memory, false, visit, loop);
    track_export_rows(model->track, false, visit, loop);
    publish_row(loop, MODEL_VERSION_ROW, MODEL_VERSION_ROW, bytes_of(NULL, 0));
    loop->has_version = true;
}

static struct bytes take_sized(struct bytes *rest) {
    uint64_t size;
    memcpy(&size, rest->data, sizeof size);
    struct bytes bytes = bytes_of(rest->data + sizeof size, (size_t)size);
    *rest = bytes_of(bytes.data + size, rest->size - sizeof size - (size_t)size);
    return bytes;
}

void policy_loop_publish(struct policy_loop *loop, struct score *score) {
    if (!loop->has_version) {
        return;
    }
    struct bytes rest = buffer_bytes(&loop->published);
    while (rest.size > 0) {
        struct bytes key = take_sized(&rest);
        struct bytes value = take_sized(&rest);
        score_take_record(score, key, value);
    }
    score_settle(score);
    buffer_clear(&loop->published);
    loop->has_version = false;
}

/* ---- examples ---- */

void policy_loop_learn(struct policy_loop *loop, struct bytes value) {
    struct model *model = &loop->model;
    struct learner_example example;
    struct track_example track;
    struct example_row row;
    struct bytes body;
    bool is_whole = wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, value, &body) &&
                    example_decode(body, &row);
    enum model_example verdict =
        is_whole ? model_example(model, &row, &example, &track) : MODEL_EXAMPLE_FOREIGN;
    if (verdict == MODEL_EXAMPLE_OK && track_take(model->track, &track)) {
        loop->refused += model->kind->learn(model->memory, &example) != LEARNER_OK;
    }
    loop->refused += verdict == MODEL_EXAMPLE_FOREIGN || verdict == MODEL_EXAMPLE_POISONED;
    if (++loop->next_offset % loop->config->learn.batch_offsets == 0) {
        end_batch(loop);
    }
}
