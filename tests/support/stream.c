#include "stream.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/side/side_table.h"

/* ---- records ---- */

void stream_add_bytes(struct stream *stream, enum broker_input input, struct bytes key,
                      struct bytes value, int64_t timestamp_ms) {
    if (stream->count == stream->capacity) {
        stream->capacity = stream->capacity ? stream->capacity * 2 : 256;
        stream->records = memory_grow(stream->records, stream->capacity, sizeof *stream->records);
    }
    /* Offsets into the buffer stand in for pointers until stream_seal. */
    struct record *record = &stream->records[stream->count];
    *record = (struct record){
        .timestamp_ms = timestamp_ms, .offset = (int64_t)stream->count, .input = input};
    record->key = bytes_of((void *)stream->data.size, key.size); /* NOLINT */
    buffer_append(&stream->data, key);
    record->value = bytes_of((void *)stream->data.size, value.size); /* NOLINT */
    buffer_append(&stream->data, value);
    stream->count++;
}

void stream_add(struct stream *stream, enum broker_input input, const struct event *event,
                int64_t timestamp_ms) {
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &value);
    event_encode(event, &value);
    stream_add_bytes(stream, input, event->user_id, buffer_bytes(&value), timestamp_ms);
    buffer_clean_up(&value);
}

void stream_seal(struct stream *stream) {
    for (size_t i = 0; i < stream->count; i++) {
        stream->records[i].key.data = stream->data.data + (size_t)stream->records[i].key.data;
        stream->records[i].value.data = stream->data.data + (size_t)stream->records[i].value.data;
    }
}

void stream_clean_up(struct stream *stream) {
    buffer_clean_up(&stream->data);
    free(stream->records);
    *stream = (struct stream){0};
}

static enum event_type random_type(struct rng *rng) {
    static const enum event_type types[] = {
        EVENT_PRODUCT_VIEWED,  EVENT_PRODUCT_VIEWED,    EVENT_PRODUCT_VIEWED,
        EVENT_PRODUCT_VIEWED,  EVENT_PRODUCT_ADDED,     EVENT_PRODUCT_ADDED,
        EVENT_PRODUCT_REMOVED, EVENT_CART_VIEWED,       EVENT_CHECKOUT_STARTED,
        EVENT_ORDER_COMPLETED, EVENT_PRODUCTS_SEARCHED, EVENT_COUPON_APPLIED,
        EVENT_USER_IDENTIFIED, EVENT_ORDER_COMPLETED,   EVENT_ORDER_CANCELLED,
        EVENT_ORDER_REFUNDED,
    };
    return types[rng_below(rng, sizeof types / sizeof types[0])];
}

static void random_event(struct rng *rng, const struct stream_options *options, int64_t now_ms,
                         char *texts, struct event_line *line, struct event *out) {
    static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Asia/Tokyo", ""};
    event_clear(out, line);
    uint64_t user = (uint64_t)options->first_user + rng_below(rng, (uint64_t)options->users);
    out->user_id = bytes_of(texts, (size_t)snprintf(texts, 16, "user-%d", (int)user));
    out->type = random_type(rng);
    out->event_ms = now_ms - (int64_t)rng_below(rng, (uint64_t)options->jitter_ms_max + 1);
    if (rng_unit(rng) < options->late_share) {
        out->event_ms -= (int64_t)rng_below(rng, 7200000);
    }
    out->timezone = bytes_of_text(zones[user % 4]);
    out->consent = user % 7 == 0    ? CONSENT_UNKNOWN
                   : user % 11 == 0 ? CONSENT_DENIED
                                    : CONSENT_GRANTED;
    out->currency = bytes_of_text("EUR");
    if (options->has_ids) {
        out->event_id = bytes_of(texts + 16, (size_t)snprintf(texts + 16, 32, "e-%llx",
                                                              (unsigned long long)rng_u64(rng)));
    }
    bool is_login = out->type == EVENT_USER_IDENTIFIED && rng_below(rng, 2);
    if (out->type == EVENT_USER_IDENTIFIED && !is_login) { /* a guest who is somebody */
        out->canonical_id = bytes_of_text("user-0");
    }
    bool is_about_item = out->type >= EVENT_PRODUCT_VIEWED && out->type <= EVENT_CART_VIEWED;
    if (out->type >= EVENT_ORDER_COMPLETED && out->type <= EVENT_ORDER_REFUNDED) {
        out->total = rng_below(rng, 8) ? 10 + (double)rng_below(rng, 90) : NAN;
        if (rng_below(rng, 2)) { /* else nobody knows which order */
            out->order_id = bytes_of_text(rng_below(rng, 2) ? "order-1" : "order-2");
        }
    } else if (is_about_item || is_login) {
        line->item_id = bytes_of(
            texts + 48, (size_t)snprintf(texts + 48, 16, "item-%d", (int)rng_below(rng, 30)));
        line->category = bytes_of_text(rng_below(rng, 2) ? "shoes" : "hats");
        line->brand = bytes_of_text("acme");
        line->price = rng_below(rng, 10) ? 5 + (double)rng_below(rng, 100) : NAN;
        line->quantity = 1 + (int32_t)rng_below(rng, 3);
        out->line_count = 1;
    }
}

void stream_random(struct stream *stream, uint64_t seed, const struct stream_options *options) {
    struct rng rng = rng_make(seed, 77);
    int64_t now_ms = STREAM_START_MS;
    char texts[64];
    struct event_line line;
    struct event event;
    for (size_t i = 0; i < options->records; i++) {
        bool is_repeat = i > 0 && rng_unit(&rng) < options->duplicate_share;
        if (!is_repeat) {
            now_ms += (int64_t)rng_below(&rng, (uint64_t)options->gap_ms_max + 1);
            line = (struct event_line){.price = NAN, .quantity = 1};
            random_event(&rng, options, now_ms, texts, &line, &event);
        }
        if (rng_unit(&rng) < options->garbage_share) {
            stream_add_bytes(stream, INPUT_CLICKSTREAM, event.user_id,
                             bytes_of_text("not an event"), now_ms);
        } else {
            stream_add(stream, INPUT_CLICKSTREAM, &event, now_ms);
        }
    }
    stream_seal(stream);
}

/* ---- outputs ---- */

static void append_sized(struct buffer *out, struct bytes bytes) {
    uint32_t size = (uint32_t)bytes.size;
    buffer_append(out, bytes_of(&size, sizeof size));
    buffer_append(out, bytes);
}

void outputs_take(struct outputs *outputs, const struct epoch *epoch) {
    for (size_t i = 0; i < epoch->record_count; i++) {
        struct buffer *out = &outputs->topic[epoch->records[i].topic];
        append_sized(out, epoch_record_key(epoch, i));
        buffer_append_byte(out, epoch->records[i].is_tombstone);
        append_sized(out, epoch_record_value(epoch, i));
        outputs->count[epoch->records[i].topic]++;
    }
}

void outputs_clean_up(struct outputs *outputs) {
    for (int i = 0; i < TOPIC_COUNT; i++) {
        buffer_clean_up(&outputs->topic[i]);
    }
}

/* ---- bench ---- */

void bench_init(struct bench *bench, const char *config_text, size_t micro_batch_max) {
    *bench = (struct bench){0};
    bench->config = memory_new(1, sizeof *bench->config);
    struct failure failure = pipeline_config_load_text("bench.yaml", config_text,
                                                       strlen(config_text), stderr, bench->config);
    assert(!failed(failure));
    bench->zones = timezone_set_new(NULL);
    bench->tally = memory_new(1, sizeof *bench->tally);
    side_init(&bench->side, &bench->config->side);
    struct pipeline_settings settings = pipeline_config_settings(bench->config, 1);
    settings.micro_batch_max = micro_batch_max;
    pipeline_init(&bench->pipeline, &settings, &bench->side, bench->zones, bench->tally);
    partition_init(&bench->partition, 0, (uint32_t)bench->config->state.users_max, bench->zones);
    epoch_init(&bench->epoch);
}

void bench_clean_up(struct bench *bench) {
    epoch_clean_up(&bench->epoch);
    partition_clean_up(&bench->partition);
    pipeline_clean_up(&bench->pipeline);
    side_clean_up(&bench->side);
    free(bench->tally);
    timezone_set_destroy(bench->zones);
    pipeline_config_clean_up(bench->config);
    free(bench->config);
}

static void finish(struct bench *bench, struct outputs *outputs) {
    pipeline_finish(&bench->pipeline, &bench->partition, 0);
    pipeline_check(&bench->pipeline);
    assert(bench->partition.open_count == (int64_t)side_table_count(bench->partition.open_rows));
    if (outputs) {
        outputs_take(outputs, &bench->epoch);
    }
    epoch_clear(&bench->epoch);
}

void bench_epoch(struct bench *bench, const struct record *records, size_t count,
                 struct outputs *outputs) {
    pipeline_begin(&bench->pipeline, &bench->epoch);
    partition_begin(&bench->partition);
    if (count > 0 && records[0].input == INPUT_FEEDBACK) {
        pipeline_feedback(&bench->pipeline, &bench->partition, records, count);
    } else {
        pipeline_clickstream(&bench->pipeline, &bench->partition, records, count);
    }
    finish(bench, outputs);
}

void bench_end(struct bench *bench, struct outputs *outputs) {
    bool is_done;
    do {
        pipeline_begin(&bench->pipeline, &bench->epoch);
        partition_begin(&bench->partition);
        is_done = pipeline_fire_at_end(&bench->pipeline, &bench->partition, 1000);
        finish(bench, outputs);
    } while (!is_done);
}

static int by_id(const void *left, const void *right) {
    const struct user_slot *const *a = left, *const *b = right;
    return bytes_compare(user_state_id(&(*a)->state), user_state_id(&(*b)->state));
}

/* The frozen rows of the user's open decisions, as the partition keeps them. */
static void append_open_rows(const struct bench *bench, const struct user_state *user,
                             struct buffer *out) {
    for (size_t i = 0; user->active && i < user->active->open_count; i++) {
        char key[33];
        hash128_format(user->active->open[i].id, key);
        struct bytes row = side_table_get(bench->partition.open_rows, bytes_of_text(key));
        assert(row.size > 0);
        append_sized(out, row);
    }
}

void bench_state(struct bench *bench, struct buffer *out) {
    struct user_store *store = &bench->partition.store;
    struct user_state_names names = user_store_names(store);
    const struct user_slot **users = memory_new(store->count + 1U, sizeof *users);
    size_t count = 0;
    for (uint32_t slot = 0; slot < store->slot_count; slot++) {
        if (user_store_get(store, slot)->is_used) {
            users[count++] = user_store_get(store, slot);
        }
    }
    qsort(users, count, sizeof *users, by_id);
    for (size_t i = 0; i < count; i++) {
        user_state_encode(&users[i]->state, &names, out);
        append_open_rows(bench, &users[i]->state, out);
    }
    free(users);
    struct partition_state_row row;
    partition_to_row(&bench->partition, &row);
    row.epoch = 0;
    partition_state_encode(&row, out);
}
