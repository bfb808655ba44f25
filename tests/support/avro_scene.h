/* avro_scene: a writer's schema and a mapping, given as texts, made into a plan. */
#ifndef PROMOSTREAM_TESTS_AVRO_SCENE_H
#define PROMOSTREAM_TESTS_AVRO_SCENE_H

#include "schemas/avro_plan.h"

struct avro_scene {
    struct mapping_config config;
    struct config *owner;
    struct mapping *mapping;
    struct writer_schema *schema;
    struct avro_plan *plan; /* NULL if it was refused */
    struct failure failure; /* of avro_plan_new */
    char *warnings;
    struct mapping_scratch scratch;
    uint8_t *body;
    struct event event; /* decoded last */
    struct event_line lines[EVENT_LINES_MAX];
};

/* schema: JSON; section: the YAML of `mapping:`, its name included. Ends the process if either is
 * bad in itself. */
struct avro_scene *avro_scene_new(const char *schema, const char *section);
void avro_scene_destroy(struct avro_scene *scene);

/* Into scene->event. The body is first copied to a block of its own size, kept until the next call,
 * so that a read past its end is seen by ASan. */
enum event_verdict avro_scene_decode(struct avro_scene *scene, struct bytes body);

#endif
