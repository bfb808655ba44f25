/* scene: the rooms of one partition, fed one record at a time, each an epoch of its own whose rows
 * can be read before the next. One offer, for abandoned carts after 20 minutes, quiet from 22:00 to
 * 08:00 UTC, no caps. Asserts with cmocka. */
#ifndef PROMOSTREAM_TESTS_SCENE_H
#define PROMOSTREAM_TESTS_SCENE_H

#include "tests/support/stream.h"

#define MINUTE_MS 60000
#define NOON_MS   (STREAM_START_MS + 12 * 60 * MINUTE_MS) /* in UTC */

struct scene {
    struct bench bench; /* bench.epoch keeps the rows of the last record */
};

/* Fixtures: *state is a struct scene. */
int scene_set_up(void **state);
int scene_set_up_with(void **state, const char *config_text); /* with another configuration */
int scene_tear_down(void **state);

/* An event with consent, about one shoe for 50 where its type is about an item. line is lent to it.
 */
struct event scene_event(struct event_line *line, const char *user, enum event_type type,
                         int64_t event_ms);
/* Runs one record as an epoch of its own, at the next offset of its input; its rows stay in
 * bench.epoch until the next one. */
void scene_feed_record(struct scene *scene, const struct record *record);
void scene_feed_bytes(struct scene *scene, enum broker_input input, struct bytes key,
                      struct bytes value, int64_t timestamp_ms);
void scene_feed_event(struct scene *scene, enum broker_input input, const struct event *event,
                      int64_t timestamp_ms);
void scene_feed(struct scene *scene, const char *user, enum event_type type, int64_t event_ms);

/* The n-th row of a topic in the last epoch; false if there are fewer. */
bool scene_row(struct scene *scene, enum topic topic, enum schema schema, size_t n,
               struct bytes *out_body);
bool scene_decision(struct scene *scene, size_t n, struct decision_row *out);
bool scene_push(struct scene *scene, size_t n, struct push_row *out);
/* NULL if nobody has that name. */
const struct user_state *scene_user(struct scene *scene, const char *name);
#define SCENE_COUNT(scene, name) metric_get(&(scene)->bench.pipeline.clean.metrics.name)
void scene_assert_text(struct bytes found, const char *expected);

#endif
