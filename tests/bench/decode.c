/* bench_decode: what an event of a stranger's schema costs, beside Avro-C's generic reader on the
 * same bytes and our own event.avsc with the same content. No test: it prints, for type as an enum
 * and as a string,
 *
 *     type as enum: mapped 30.8 ns/event, Avro-C 373.5 (12.1 times), event.avsc 65.8 (2.14 times)
 *
 * The best of several rounds over some thousand distinct events, so that what a branch does is not
 * learnt by heart and a neighbour's noise is left out. */
#include <avro.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "schemas/wire.h"
#include "tests/support/avro_oracle.h"
#include "tests/support/avro_scene.h"

#define EVENTS 4096
#define ROUNDS 200
#define SEED   5

#define FIELDS                                                                                     \
    "{\"name\":\"ts\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"         \
    "{\"name\":\"user\",\"type\":\"string\"},{\"name\":\"event_id\",\"type\":\"string\"},"         \
    "{\"name\":\"session\",\"type\":\"string\"},{\"name\":\"sku\",\"type\":\"string\"},"           \
    "{\"name\":\"price\",\"type\":\"double\"},{\"name\":\"quantity\",\"type\":\"int\"},"           \
    "{\"name\":\"currency\",\"type\":[\"null\",\"string\"]},"                                      \
    "{\"name\":\"search\",\"type\":[\"null\",\"string\"]}]}"
#define RECORD "{\"type\":\"record\",\"name\":\"hit\",\"fields\":[{\"name\":\"kind\",\"type\":"

static const char enum_schema[] =
    RECORD "{\"type\":\"enum\",\"name\":\"kind\",\"symbols\":[\"VIEW\",\"SEARCH\",\"ADD\","
           "\"REMOVE\",\"CART\",\"BUY\"]}}," FIELDS;
static const char text_schema[] = RECORD "\"string\"}," FIELDS;
static const char *const kinds[] = {"VIEW", "SEARCH", "ADD", "REMOVE", "CART", "BUY"};
static const enum event_type types[] = {EVENT_PRODUCT_VIEWED, EVENT_PRODUCTS_SEARCHED,
                                        EVENT_PRODUCT_ADDED,  EVENT_PRODUCT_REMOVED,
                                        EVENT_CART_VIEWED,    EVENT_ORDER_COMPLETED};

static const char section[] =
    "mapping:\n"
    "  type: {path: kind, values: {VIEW: product_viewed, SEARCH: products_searched,\n"
    "    ADD: product_added, REMOVE: product_removed, CART: cart_viewed, BUY: order_completed}}\n"
    "  event_ms: {path: ts}\n"
    "  user_id: {path: user}\n"
    "  event_id: {path: event_id}\n"
    "  session_id: {path: session}\n"
    "  currency: {path: currency}\n"
    "  query: {path: search}\n"
    "  product:\n"
    "    item_id: {path: sku}\n"
    "    price: {path: price}\n"
    "    quantity: {path: quantity}\n";

struct bodies {
    struct buffer bytes;
    size_t begin[EVENTS + 1];
};

static struct bytes body_at(const struct bodies *bodies, size_t i) {
    return bytes_of(bodies->bytes.data + bodies->begin[i], bodies->begin[i + 1] - bodies->begin[i]);
}

/* ---- Events ---- */

struct texts {
    char user[32], event_id[48], session[32], sku[32], query[32];
};

static struct bytes print(char *out, size_t size, const char *format, uint64_t value) {
    return bytes_of(out, (size_t)snprintf(out, size, format, value));
}

static size_t draw_event(struct rng *rng, struct texts *texts, struct event_line *line,
                         struct event *out) {
    size_t kind = rng_below(rng, 100) < 70 ? 0 : rng_below(rng, 6);
    event_clear(out, line);
    out->type = types[kind];
    out->event_ms = INT64_C(1764000000000) + (int64_t)rng_below(rng, 100000000);
    out->user_id = print(texts->user, sizeof(texts->user), "user-%lu", rng_below(rng, 1000000));
    out->event_id = print(texts->event_id, sizeof(texts->event_id),
                          "8f14e45f-ceea-467f-a83b-%012lx", rng_below(rng, UINT64_C(1) << 48));
    out->session_id =
        print(texts->session, sizeof(texts->session), "%016lx", rng_u64(rng) | UINT64_C(1) << 60);
    if (rng_below(rng, 2)) {
        out->currency = bytes_of_text("EUR");
    }
    if (rng_below(rng, 4) == 0) {
        out->query = print(texts->query, sizeof(texts->query), "red shoes %lu", rng_u64(rng) % 999);
    }
    *line = (struct event_line){
        .item_id = print(texts->sku, sizeof(texts->sku), "sku-%lu", rng_u64(rng) % 100000),
        .price = (double)rng_below(rng, 100000) / 100,
        .quantity = 1 + (int32_t)rng_below(rng, 3),
    };
    out->line_count = 1;
    return kind;
}

static void write_nullable(struct buffer *out, struct bytes text) {
    wire_write_long(out, text.size > 0);
    if (text.size > 0) {
        wire_write_bytes(out, text);
    }
}

static void write_theirs(const struct event *event, size_t kind, bool is_enum, struct buffer *out) {
    if (is_enum) {
        wire_write_long(out, (int64_t)kind);
    } else {
        wire_write_bytes(out, bytes_of_text(kinds[kind]));
    }
    wire_write_long(out, event->event_ms);
    wire_write_bytes(out, event->user_id);
    wire_write_bytes(out, event->event_id);
    wire_write_bytes(out, event->session_id);
    wire_write_bytes(out, event->lines[0].item_id);
    wire_write_double(out, event->lines[0].price);
    wire_write_long(out, event->lines[0].quantity);
    write_nullable(out, event->currency);
    write_nullable(out, event->query);
}

static void make(bool is_enum, struct bodies *theirs, struct bodies *ours) {
    struct rng rng = rng_make(SEED, 0);
    struct texts texts;
    struct event_line line;
    struct event event;
    buffer_clear(&theirs->bytes);
    buffer_clear(&ours->bytes);
    for (size_t i = 0; i < EVENTS; i++) {
        size_t kind = draw_event(&rng, &texts, &line, &event);
        write_theirs(&event, kind, is_enum, &theirs->bytes);
        event_encode(&event, &ours->bytes);
        theirs->begin[i + 1] = theirs->bytes.size;
        ours->begin[i + 1] = ours->bytes.size;
    }
}

/* ---- Readers: a round over all events, which must be good ones ---- */

struct readers {
    struct avro_scene *scene;
    struct avro_oracle oracle;
    avro_reader_t reader;
    struct event event;
    struct event_line lines[EVENT_LINES_MAX];
};

static bool read_mapped(struct readers *readers, struct bytes body) {
    struct avro_scene *scene = readers->scene;
    return avro_plan_decode(scene->plan, body, &scene->scratch, &scene->event) == EVENT_OK;
}

static bool read_avro_c(struct readers *readers, struct bytes body) {
    avro_reader_memory_set_source(readers->reader, (const char *)body.data, (int64_t)body.size);
    return avro_value_read(readers->reader, &readers->oracle.value) == 0;
}

static bool read_own(struct readers *readers, struct bytes body) {
    return event_decode(body, &readers->event) == EVENT_OK;
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ns an event, in the best round. */
static double time_reader(bool read(struct readers *, struct bytes), struct readers *readers,
                          const struct bodies *bodies) {
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_ns();
        for (size_t i = 0; i < EVENTS; i++) {
            if (!read(readers, body_at(bodies, i))) {
                abort();
            }
        }
        double spent = (now_ns() - begin) / EVENTS;
        best = spent < best ? spent : best;
    }
    return best;
}

static void run(const char *name, bool is_enum, struct bodies *theirs, struct bodies *ours) {
    const char *schema = is_enum ? enum_schema : text_schema;
    struct readers *readers = memory_new(1, sizeof(*readers));
    make(is_enum, theirs, ours);
    readers->scene = avro_scene_new(schema, section);
    readers->reader = avro_reader_memory("", 0);
    readers->event.lines = readers->lines;
    avro_oracle_init_text(&readers->oracle, bytes_of_text(schema));
    double mapped = time_reader(read_mapped, readers, theirs);
    double avro_c = time_reader(read_avro_c, readers, theirs);
    double own = time_reader(read_own, readers, ours);
    printf("%s: mapped %.1f ns/event, Avro-C %.1f (%.1f times), event.avsc %.1f (%.2f times)\n",
           name, mapped, avro_c, avro_c / mapped, own, own / mapped);
    avro_oracle_clean_up(&readers->oracle);
    avro_reader_free(readers->reader);
    avro_scene_destroy(readers->scene);
    free(readers);
}

int main(void) {
    struct bodies *theirs = memory_new(1, sizeof(*theirs));
    struct bodies *ours = memory_new(1, sizeof(*ours));
    run("type as enum", true, theirs, ours);
    run("type as string", false, theirs, ours);
    buffer_clean_up(&theirs->bytes);
    buffer_clean_up(&ours->bytes);
    free(theirs);
    free(ours);
    return 0;
}
