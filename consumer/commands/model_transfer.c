#include "consumer/commands/model_transfer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/producer_txn.h"
#include "consumer/learn/model_file.h"
#include "consumer/ops/printable.h"
#include "consumer/trainer/trainer.h"
#include "schemas/schemas.h"

/* ---- to a file ---- */

struct exporting {
    const struct model *model;
    learner_visit_row *visit;
    void *visit_context;
    int64_t rows;
};

static void count_row(void *context, const struct learner_row *row) {
    struct exporting *exporting = context;
    exporting->rows++;
    exporting->visit(exporting->visit_context, row);
}

static void export_rows(void *context, learner_visit_row *visit, void *visit_context) {
    struct exporting *exporting = context;
    exporting->visit = visit;
    exporting->visit_context = visit_context;
    exporting->model->kind->export_rows(exporting->model->memory, true, count_row, exporting);
}

static void write_header(const struct model *model, struct buffer *out) {
    char said[4096] = "";
    model->kind->describe(model->memory, said, sizeof said);
    buffer_append(out, bytes_of_text("{\"promostream\":\"" PROMOSTREAM_VERSION "\",\"learner\":"));
    printable_append_json(out, bytes_of_text(model->kind->name));
    buffer_append(out, bytes_of_text(",\"pipeline\":{\"name\":"));
    printable_append_json(out, bytes_of_text(model->config->name));
    buffer_format(out, ",\"feature_version\":%d,\"version_offset\":%lld,\"description\":",
                  (int)model_space.feature_version, (long long)model->version_offset);
    printable_append_json(out, bytes_of_text(said));
    buffer_append(out, bytes_of_text("}}\n"));
}

struct failure model_export(const struct model_view *view, size_t learner, const char *path,
                            int64_t *out_rows) {
    const struct model *model = &view->learners[learner].model;
    if (model->version_offset == 0) {
        return failure_make(FAILURE_STOP, 0, "learner %s has learned nothing yet",
                            model->config->name);
    }
    struct exporting exporting = {.model = model};
    struct buffer header = {0};
    write_header(model, &header);
    struct failure failure = model_file_save_rows(path, buffer_bytes(&header), model->config->name,
                                                  model->version_offset, export_rows, &exporting);
    buffer_clean_up(&header);
    *out_rows = exporting.rows;
    return failure;
}

/* ---- from a file ---- */

struct importing {
    const struct model *model; /* what the configuration makes of the learner, empty */
    char kind[64];             /* of the file */
    struct model_rows rows;
    int64_t position;
};

static void take_header(void *context, struct bytes json) {
    struct importing *importing = context;
    json_t *root = json_loadb((const char *)json.data, json.size, 0, NULL);
    const char *kind = json_string_value(json_object_get(root, "learner"));
    (void)snprintf(importing->kind, sizeof importing->kind, "%s", kind ? kind : "?");
    json_decref(root);
}

static enum learner_verdict take_row(void *context, const struct learner_row *row) {
    struct importing *importing = context;
    if (strcmp(importing->kind, importing->model->kind->name) != 0) {
        return LEARNER_BAD_ROW;
    }
    enum learner_verdict verdict = importing->model->kind->check_row(importing->model->memory, row);
    if (verdict == LEARNER_OK) {
        model_rows_put(&importing->rows, row, importing->position, false, false);
    }
    return verdict;
}

static struct failure send_row(struct producer_txn *producer, const struct pipeline_config *config,
                               const char *learner, const struct model_row *row) {
    struct buffer key = {0}, value = {0};
    buffer_format(&key, "%s/%.*s", learner, BYTES_ARG(row->row));
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, &value);
    model_row_encode(row, &value);
    const struct producer_record record = {.topic = config->topics.full[TOPIC_MODEL],
                                           .key = buffer_bytes(&key),
                                           .value = buffer_bytes(&value),
                                           .timestamp_ms = -1};
    struct failure failure = producer_txn_send(producer, &record);
    buffer_clean_up(&key);
    buffer_clean_up(&value);
    return failure;
}

/* The rows, then the row that makes them a version. */
static struct failure send_version(struct producer_txn *producer,
                                   const struct pipeline_config *config, const char *learner,
                                   const struct importing *importing) {
    struct bytes name = bytes_of_text(learner), version = bytes_of_text(MODEL_VERSION_ROW);
    struct failure failure = failure_none();
    for (size_t i = 0; i < importing->rows.count && !failed(failure); i++) {
        struct learner_row row = model_rows_get(&importing->rows, i);
        const struct model_row sent = {.learner = name,
                                       .row = bytes_of_text(row.key),
                                       .kind = bytes_of_text(learner_row_kind_names[row.kind]),
                                       .values = row.values,
                                       .version_offset = importing->position};
        failure = send_row(producer, config, learner, &sent);
    }
    if (!failed(failure)) {
        const struct model_row end = {.learner = name,
                                      .row = version,
                                      .kind = version,
                                      .version_offset = importing->position};
        failure = send_row(producer, config, learner, &end);
    }
    return failed(failure) ? failure : producer_txn_commit(producer);
}

static struct failure send_all(const struct pipeline_config *config,
                               const struct learner_config *learner,
                               const struct importing *importing) {
    char id[TRAINER_NAME_BYTES_MAX];
    trainer_format_name(config->broker.group_id, learner, id); /* its trainer's: it is fenced */
    const struct producer_txn_config settings = {
        .bootstrap_servers = config->broker.bootstrap_servers,
        .kafka = &config->broker.kafka,
        .transactional_id = id,
        .transaction_timeout_ms = config->broker.transaction_timeout_ms,
    };
    struct producer_txn *producer = NULL;
    struct failure failure = producer_txn_open(&settings, &producer);
    if (!failed(failure)) {
        failure = send_version(producer, config, learner->name, importing);
    }
    producer_txn_close(producer);
    return failure;
}

struct failure model_import(const struct model_view *view, size_t learner, const char *path,
                            int64_t position, int64_t *out_rows) {
    const struct model_view_learner *to = &view->learners[learner];
    const struct learner_config *config = to->model.config;
    if (to->record_count > 0) {
        return failure_make(FAILURE_STOP, 0,
                            "learner %s has %lld records in the topic model already: import under "
                            "a name that is new",
                            config->name, (long long)to->record_count);
    }
    int64_t batch = view->config->learn.batch_offsets;
    struct importing importing = {.model = &to->model, .position = position / batch * batch};
    model_rows_init(&importing.rows);
    struct failure failure = model_file_visit(path, take_header, take_row, &importing);
    if (failed(failure) && strcmp(importing.kind, "") != 0) {
        failure = failure_make(FAILURE_STOP, 0,
                               "%.150s; the file's learner is of the kind %s, learner %s is %s and "
                               "takes rows of the same options and features only",
                               failure.text, importing.kind, config->name, to->model.kind->name);
    }
    if (!failed(failure)) {
        failure = send_all(view->config, config, &importing);
    }
    *out_rows = (int64_t)importing.rows.count;
    model_rows_clean_up(&importing.rows);
    return failure;
}
