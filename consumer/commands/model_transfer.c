#include "consumer/commands/model_transfer.h"

#include "broker/producer_txn.h"
#include "consumer/commands/model_identity.h"
#include "consumer/learn/model_file.h"
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

struct failure model_save(const struct model *model, const struct pipeline_config *config,
                          const char *topic, const char *path, int64_t *out_rows) {
    struct exporting exporting = {.model = model};
    struct buffer header = {0};
    model_identity_write(model, config, topic, &header);
    struct failure failure = model_file_save_rows(path, buffer_bytes(&header), model->config->name,
                                                  model->version_offset, export_rows, &exporting);
    buffer_clean_up(&header);
    *out_rows = exporting.rows;
    return failure;
}

/* ---- from a file ---- */

struct importing {
    const struct model_import *request;
    const struct model *model; /* what the configuration makes of the learner, empty */
    struct model_rows rows;
    int64_t position;
};

static struct failure take_position(struct importing *importing,
                                    const struct model_identity_place *place) {
    const struct model_import *request = importing->request;
    const struct pipeline_config *config = request->view->config;
    const char *topic = config->topics.full[TOPIC_EXAMPLES];
    int64_t position = request->position, batch = config->learn.batch_offsets;
    if (position < 0 && strcmp(place->topic, topic) != 0) {
        return failure_make(FAILURE_STOP, 0,
                            "it learned from %s%.60s, not from %.60s: --position says from which "
                            "offset of that it goes on (0 = all, %lld = only what comes)",
                            *place->topic ? "" : "a file without offsets", place->topic, topic,
                            (long long)request->examples_end);
    }
    position = position < 0 ? place->offset : position;
    if (position > request->examples_end) {
        return failure_make(FAILURE_STOP, 0, "position %lld: %.80s ends at %lld",
                            (long long)position, topic, (long long)request->examples_end);
    }
    importing->position = position / batch * batch;
    return failure_none();
}

static struct failure take_header(void *context, struct bytes json) {
    struct importing *importing = context;
    struct model_identity_place place;
    struct failure failure =
        model_identity_check(json, importing->model, importing->request->view->config, &place);
    return failed(failure) ? failure : take_position(importing, &place);
}

static enum learner_verdict take_row(void *context, const struct learner_row *row) {
    struct importing *importing = context;
    enum learner_verdict verdict = importing->model->kind->check_row(importing->model->memory, row);
    if (verdict == LEARNER_OK) {
        model_rows_put(&importing->rows, row, importing->position, false, false);
    }
    return verdict;
}

struct sending {
    struct producer_txn *producer;
    const char *topic;
    struct failure failure; /* the first */
};

static void send_record(void *context, struct bytes key, const struct model_row *row) {
    struct sending *sending = context;
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, &value);
    model_row_encode(row, &value);
    const struct producer_record record = {
        .topic = sending->topic, .key = key, .value = buffer_bytes(&value), .timestamp_ms = -1};
    if (!failed(sending->failure)) {
        sending->failure = producer_txn_send(sending->producer, &record);
    }
    buffer_clean_up(&value);
}

static struct failure send_all(const struct importing *importing) {
    const struct pipeline_config *config = importing->request->view->config;
    const struct learner_config *learner = importing->model->config;
    char id[TRAINER_NAME_BYTES_MAX];
    trainer_format_name(config->broker.group_id, learner, id); /* its trainer's: it is fenced */
    const struct producer_txn_config settings = {
        .bootstrap_servers = config->broker.bootstrap_servers,
        .kafka = &config->broker.kafka,
        .transactional_id = id,
        .transaction_timeout_ms = config->broker.transaction_timeout_ms,
    };
    struct sending sending = {.topic = config->topics.full[TOPIC_MODEL]};
    struct failure failure = producer_txn_open(&settings, &sending.producer);
    if (!failed(failure)) {
        model_rows_write_version(&importing->rows, learner->name, importing->position, send_record,
                                 &sending);
        failure = failed(sending.failure) ? sending.failure : producer_txn_commit(sending.producer);
    }
    producer_txn_close(sending.producer);
    return failure;
}

struct failure model_import(const struct model_import *request, int64_t *out_rows,
                            int64_t *out_position) {
    const struct model_view_learner *to = &request->view->learners[request->learner];
    if (to->record_count > 0) {
        return failure_make(FAILURE_STOP, 0,
                            "learner %s has %lld records in the topic model already: import under "
                            "a name that is new",
                            to->model.config->name, (long long)to->record_count);
    }
    struct importing importing = {.request = request, .model = &to->model};
    model_rows_init(&importing.rows);
    struct failure failure = model_file_visit(request->path, take_header, take_row, &importing);
    if (!failed(failure)) {
        failure = send_all(&importing);
    }
    *out_rows = (int64_t)importing.rows.count;
    *out_position = importing.position;
    model_rows_clean_up(&importing.rows);
    return failure;
}
