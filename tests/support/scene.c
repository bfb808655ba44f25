#include "tests/support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

static const char config[] =
    "clean: {lateness: 5s, max_skew: 5m, price_max: 1000, bot_user_agents: [crawler]}\n"
    "state: {bot_events_per_minute: 20}\n"
    "triggers:\n"
    "  cart_abandoned: {idle: 20m}\n"
    "  checkout_abandoned: {enabled: false}\n"
    "  browse_abandoned: {enabled: false}\n"
    "  observe: {share: 0}\n"
    "decide:\n"
    "  control_share: 0\n"
    "  none_share: 0\n"
    "  cap_per_user_day: 0\n"
    "  cap_per_user_week: 0\n"
    "  quiet_hours: \"22:00-08:00\"\n"
    "  offers: [{id: ten, kind: percent_off, value: 10, title: t, body: b}]\n"
    "  rules: [{trigger: cart_abandoned, offer: ten}]\n";

int scene_set_up(void **state) {
    return scene_set_up_with(state, config);
}

int scene_set_up_with(void **state, const char *config_text) {
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    bench_init(&scene->bench, config_text, 64);
    *state = scene;
    return 0;
}

int scene_tear_down(void **state) {
    struct scene *scene = *state;
    bench_clean_up(&scene->bench);
    free(scene);
    return 0;
}

struct event scene_event(struct event_line *line, const char *user, enum event_type type,
                         int64_t event_ms) {
    struct event event;
    event_clear(&event, line);
    *line = (struct event_line){.item_id = bytes_of_text("shoe"),
                                .category = bytes_of_text("shoes"),
                                .price = 50,
                                .quantity = 1};
    event.user_id = bytes_of_text(user);
    event.type = type;
    event.event_ms = event_ms;
    event.consent = CONSENT_GRANTED;
    event.line_count = type >= EVENT_PRODUCT_VIEWED && type <= EVENT_PRODUCT_REMOVED ? 1 : 0;
    return event;
}

void scene_feed_record(struct scene *scene, const struct record *given) {
    struct bench *bench = &scene->bench;
    struct record record = *given;
    record.offset = bench->partition.next_offset[record.input];
    epoch_clear(&bench->epoch);
    pipeline_begin(&bench->pipeline, &bench->epoch);
    partition_begin(&bench->partition);
    if (record.input == INPUT_FEEDBACK) {
        pipeline_feedback(&bench->pipeline, &bench->partition, &record, 1);
    } else {
        pipeline_clickstream(&bench->pipeline, &bench->partition, &record, 1);
    }
    pipeline_finish(&bench->pipeline, &bench->partition, 0);
    pipeline_check(&bench->pipeline);
}

void scene_feed_bytes(struct scene *scene, enum broker_input input, struct bytes key,
                      struct bytes value, int64_t timestamp_ms) {
    scene_feed_record(
        scene,
        &(struct record){.key = key, .value = value, .timestamp_ms = timestamp_ms, .input = input});
}

void scene_feed_event(struct scene *scene, enum broker_input input, const struct event *event,
                      int64_t timestamp_ms) {
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &value);
    event_encode(event, &value);
    scene_feed_bytes(scene, input, event->user_id, buffer_bytes(&value), timestamp_ms);
    buffer_clean_up(&value);
}

void scene_feed(struct scene *scene, const char *user, enum event_type type, int64_t event_ms) {
    struct event_line line;
    struct event event = scene_event(&line, user, type, event_ms);
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, event_ms);
}

/* The n-th row of a topic in the last epoch; its body. */
bool scene_row(struct scene *scene, enum topic topic, enum schema schema, size_t n,
               struct bytes *out_body) {
    const struct epoch *epoch = &scene->bench.epoch;
    for (size_t i = 0; i < epoch->record_count; i++) {
        if (epoch->records[i].topic == topic && n-- == 0) {
            assert_true(wire_unframe(WIRE_SINGLE_OBJECT, schema, 0, epoch_record_value(epoch, i),
                                     out_body));
            return true;
        }
    }
    return false;
}

bool scene_decision(struct scene *scene, size_t n, struct decision_row *out) {
    struct bytes body;
    return scene_row(scene, TOPIC_PROMOTION_DECISIONS, SCHEMA_DECISION, n, &body) &&
           decision_decode(body, out);
}

bool scene_push(struct scene *scene, size_t n, struct push_row *out) {
    struct bytes body;
    return scene_row(scene, TOPIC_PROMOTION_PUSHES, SCHEMA_PUSH, n, &body) &&
           push_decode(body, out);
}

void scene_assert_text(struct bytes found, const char *expected) {
    assert_true(bytes_equal(found, bytes_of_text(expected)));
}

const struct user_state *scene_user(struct scene *scene, const char *name) {
    uint32_t slot = user_store_find(&scene->bench.partition.store, bytes_of_text(name));
    return slot == SLOT_NONE ? NULL : &user_store_get(&scene->bench.partition.store, slot)->state;
}
