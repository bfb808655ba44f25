/* Rows that the pipeline itself writes: dead letters, and at the end of an epoch users, partition
 * and journal. */
#include "consumer/pipeline_internal.h"

#include <stdio.h>

/* A letter has to fit into a message of default size whatever came in, or that one record would
 * stop every worker that reads it: librdkafka sends at most 1,000,000 bytes (message.max.bytes), a
 * broker takes 1,048,588. The whole stays at its position. */
#define LETTER_KEY_BYTES_MAX     1024
#define LETTER_VALUE_BYTES_MAX   900000
#define LETTER_HEADERS_BYTES_MAX 65536

static struct bytes cut(struct bytes bytes, size_t bytes_max) {
    return bytes_of(bytes.data, bytes.size < bytes_max ? bytes.size : bytes_max);
}

/* Those in front that fit; false if that is not all of them. */
static bool take_headers(const struct record *record, struct dead_letter_row *row) {
    struct record_header headers[ROW_HEADERS_MAX];
    size_t count = record_headers(record, headers, ROW_HEADERS_MAX);
    size_t left = LETTER_HEADERS_BYTES_MAX;
    for (size_t i = 0; i < count && i < ROW_HEADERS_MAX; i++) {
        struct record_header header = headers[i];
        if (header.key.size > left || header.value.size > left - header.key.size) {
            break;
        }
        left -= header.key.size + header.value.size;
        row->headers[row->header_count++] = (struct dead_letter_header){header.key, header.value};
    }
    return row->header_count == count;
}

void pipeline_write_dead_letter(struct pipeline *pipeline, struct partition *partition,
                                const struct record *record, const char *reason) {
    const struct pipeline_settings *settings = &pipeline->settings;
    struct bytes key = cut(record->key, LETTER_KEY_BYTES_MAX);
    struct dead_letter_row row = {
        .topic =
            record->input == INPUT_FEEDBACK ? settings->feedback_name : settings->clickstream_name,
        .partition = record->partition,
        .offset = record->offset,
        .timestamp_ms = record->timestamp_ms,
        .reason = bytes_of_text(reason),
        .key = key,
        .value = cut(record->value, LETTER_VALUE_BYTES_MAX),
    };
    bool has_all_headers = take_headers(record, &row);
    row.cut =
        key.size < record->key.size || row.value.size < record->value.size || !has_all_headers;
    metric_add(&pipeline->clean.metrics.dead_letters_cut_total, row.cut);
    struct buffer *out = epoch_begin(pipeline->epoch, TOPIC_DEAD_LETTERS, partition->number, key);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_DEAD_LETTER, 0, out);
    dead_letter_encode(&row, out);
    epoch_end(pipeline->epoch);
}

/* ---- the end of an epoch ---- */

/* Most have left the caches since their event. */
static void prefetch_changed(const struct user_store *store, size_t i) {
    if (i + 8 < store->changed_count) {
        user_store_prefetch(store, store->changed[i + 8]);
    }
    if (i + 2 < store->changed_count) {
        user_store_prefetch_rest(store, store->changed[i + 2]);
        user_store_prefetch_names(store, store->changed[i + 2]);
    }
}

static void write_users(struct pipeline *pipeline, struct partition *partition) {
    struct user_store *store = &partition->store;
    struct user_state_names names = user_store_names(store);
    for (size_t i = 0; i < store->changed_count; i++) {
        prefetch_changed(store, i);
        struct user_slot *tenant = user_store_get(store, store->changed[i]);
        if (!tenant->is_used || !tenant->is_changed) {
            continue; /* evicted, or the slot was listed twice */
        }
        tenant->is_changed = false;
        struct buffer *out = epoch_begin(pipeline->epoch, TOPIC_USER_STATE, partition->number,
                                         user_state_id(&tenant->state));
        wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_USER_STATE, 0, out);
        user_state_encode(&tenant->state, &names, out);
        epoch_end(pipeline->epoch);
        metric_add(&pipeline->state_metrics.rows_total, 1);
    }
    store->changed_count = 0;
}

static void write_partition_state(struct pipeline *pipeline, const struct partition *partition,
                                  struct bytes key) {
    struct partition_state_row row;
    partition_to_row(partition, &row);
    struct buffer *out =
        epoch_begin(pipeline->epoch, TOPIC_PARTITION_STATE, partition->number, key);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_PARTITION_STATE, 0, out);
    partition_state_encode(&row, out);
    epoch_end(pipeline->epoch);
}

static void write_journal(struct pipeline *pipeline, const struct partition *partition,
                          struct bytes key, int64_t wall_ms) {
    struct journal_row row = {
        .partition = partition->number,
        .epoch = partition->epoch,
        .watermark_before_ms = partition->watermark_before_ms,
        .watermark_after_ms = partition->watermark_ms,
        .tick_ms = partition->tick_ms,
        .fired_at_end = partition->fired_at_end,
        .wall_ms = wall_ms,
        .paused = pipeline->side->is_paused,
        .config_fingerprint = pipeline->settings.config_fingerprint,
        .binary = bytes_of_text(PROMOSTREAM_VERSION),
    };
    for (int i = 0; i < INPUT_COUNT; i++) {
        row.from_offset[i] = partition->from_offset[i];
        row.to_offset[i] = partition->next_offset[i];
    }
    static const char *const side_names[] = {"control", "catalogue", "profiles"};
    for (size_t i = 0; i < sizeof side_names / sizeof side_names[0]; i++) {
        row.sides[row.side_count++] =
            (struct side_position){bytes_of_text(side_names[i]), pipeline->side->positions[i]};
    }
    for (size_t i = 0; i < pipeline->score.model_count; i++) {
        const struct model *model = &pipeline->score.models[i];
        row.models[row.model_count++] =
            (struct model_version){bytes_of_text(model->config->name), model->version_offset};
    }
    struct buffer *out = epoch_begin(pipeline->epoch, TOPIC_JOURNAL, partition->number, key);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_JOURNAL, 0, out);
    journal_encode(&row, out);
    epoch_end(pipeline->epoch);
}

void pipeline_finish(struct pipeline *pipeline, struct partition *partition, int64_t wall_ms) {
    pipeline_close_batch(pipeline);
    if (!partition->is_touched) {
        return;
    }
    char number[16];
    int size = snprintf(number, sizeof number, "%d", (int)partition->number);
    struct bytes key = bytes_of(number, (size_t)size);
    partition->epoch++;
    write_users(pipeline, partition);
    write_partition_state(pipeline, partition, key);
    write_journal(pipeline, partition, key, wall_ms);
}
