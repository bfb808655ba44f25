#include "consumer/bench/bench_stream.h"

#include <assert.h>
#include <stdio.h>

#include "schemas/schemas.h"

#define ITEMS     20000
#define BUYER_RUN 16 /* users of one kind in a row, so that every partition has both */
#define PRICE_MIN 5
#define PRICES    195
#define ORDER_MIN 20
#define ORDERS    100

void bench_stream_init(struct bench_stream *stream, const struct bench_stream_config *config) {
    *stream = (struct bench_stream){
        .config = *config, .rng = rng_make(config->seed, 0), .event_ms = BENCH_START_MS};
}

struct mix {
    enum event_type type;
    double share;
};

/* What is left to 1 is product_viewed. */
static const struct mix looking[] = {
    {EVENT_PRODUCT_LIST_VIEWED, 0.10},
    {EVENT_PRODUCTS_SEARCHED, 0.06},
    {EVENT_OTHER, 0},
};
static const struct mix buying[] = {
    {EVENT_PRODUCT_ADDED, 0.40},    {EVENT_PRODUCT_REMOVED, 0.08}, {EVENT_CART_VIEWED, 0.10},
    {EVENT_CHECKOUT_STARTED, 0.05}, {EVENT_ORDER_COMPLETED, 0.08}, {EVENT_OTHER, 0},
};

static enum event_type draw_type(struct bench_stream *stream, uint64_t user) {
    bool is_buyer = user / BUYER_RUN % stream->config.buyers_every == 0;
    double u = rng_unit(&stream->rng);
    for (const struct mix *mix = is_buyer ? buying : looking; mix->share > 0; mix++) {
        u -= mix->share;
        if (u < 0) {
            return mix->type;
        }
    }
    return EVENT_PRODUCT_VIEWED;
}

static struct bytes text_of(char *buffer, size_t size, char letter, uint64_t number) {
    int length = snprintf(buffer, size, "%c%07llu", letter, (unsigned long long)number);
    return bytes_of(buffer, (size_t)length);
}

/* An item has one category, brand and price. */
static void draw_line(struct bench_stream *stream) {
    static const char *const categories[] = {"shoes", "coats", "shirts", "bags", "belts"};
    static const char *const brands[] = {"alder", "birch", "cedar", "dogwood", "elm", "fir"};
    uint64_t item = rng_below(&stream->rng, ITEMS);
    stream->line = (struct event_line){
        .item_id = text_of(stream->item_id, sizeof stream->item_id, 'i', item),
        .category = bytes_of_text(categories[item % (sizeof categories / sizeof categories[0])]),
        .brand = bytes_of_text(brands[item % (sizeof brands / sizeof brands[0])]),
        .price = PRICE_MIN + (double)(item % PRICES),
        .quantity = 1,
    };
}

/* Who does what next; returns the user's number. */
static uint64_t draw_user(struct bench_stream *stream, struct event *out) {
    bool is_sleeper = stream->sleepers > 0;
    uint64_t user;
    if (is_sleeper) {
        user = --stream->sleepers;
        out->type = EVENT_PRODUCT_ADDED;
    } else {
        user = rng_below(&stream->rng, stream->config.users);
        stream->event_ms += BENCH_GAP_MS / stream->config.users;
        out->type = draw_type(stream, user);
    }
    out->user_id = text_of(stream->user_id, sizeof stream->user_id, is_sleeper ? 's' : 'u', user);
    return user;
}

int32_t bench_stream_next(struct bench_stream *stream, struct event *out) {
    event_clear(out, &stream->line);
    uint64_t user = draw_user(stream, out);
    out->event_ms = (int64_t)stream->event_ms;
    out->event_id = text_of(stream->event_id, sizeof stream->event_id, 'e', stream->count++);
    out->currency = bytes_of_text("EUR");
    out->consent = CONSENT_GRANTED;
    switch (out->type) {
    case EVENT_PRODUCT_VIEWED:
    case EVENT_PRODUCT_ADDED:
    case EVENT_PRODUCT_REMOVED:
        draw_line(stream);
        out->line_count = 1;
        break;
    case EVENT_PRODUCTS_SEARCHED:
        out->query = bytes_of_text("winter coat");
        break;
    case EVENT_ORDER_COMPLETED:
        out->total = ORDER_MIN + (double)(user % ORDERS);
        out->order_id = out->event_id;
        break;
    default:
        break;
    }
    return (int32_t)(user % (uint64_t)stream->config.partitions);
}

void bench_stream_record(struct bench_stream *stream, struct buffer *messages, struct record *out) {
    assert(messages->capacity - messages->size >= BENCH_MESSAGE_BYTES_MAX);
    struct event event;
    int32_t partition = bench_stream_next(stream, &event);
    size_t key_at = messages->size;
    buffer_append(messages, event.user_id);
    size_t value_at = messages->size;
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, messages);
    event_encode(&event, messages);
    assert(messages->size - key_at <= BENCH_MESSAGE_BYTES_MAX);
    *out = (struct record){
        .key = bytes_of(messages->data + key_at, value_at - key_at),
        .value = bytes_of(messages->data + value_at, messages->size - value_at),
        .timestamp_ms = event.event_ms,
        .partition = partition,
        .input = INPUT_CLICKSTREAM,
    };
}
