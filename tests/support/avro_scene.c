#include "tests/support/avro_scene.h"

#include <assert.h>
#include <stdlib.h>

struct avro_scene *avro_scene_new(const char *schema, const char *section) {
    struct avro_scene *scene = memory_new(1, sizeof(*scene));
    const struct config_room room = {"mapping", &mapping_config_table, &scene->config};
    struct failure failure =
        config_load_text("mapping.yaml", section, strlen(section), &room, 1, stderr, &scene->owner);
    assert(!failed(failure));
    scene->mapping = mapping_new(&scene->config, stderr);
    assert(scene->mapping);
    failure = writer_schema_parse(bytes_of_text(schema), &scene->schema);
    if (failed(failure)) {
        fprintf(stderr, "%s\n", failure.text);
        abort();
    }
    size_t size;
    FILE *warnings = open_memstream(&scene->warnings, &size);
    scene->failure = avro_plan_new(scene->schema, scene->mapping, warnings, &scene->plan);
    fclose(warnings);
    scene->event.lines = scene->lines;
    return scene;
}

void avro_scene_destroy(struct avro_scene *scene) {
    avro_plan_destroy(scene->plan);
    writer_schema_destroy(scene->schema);
    mapping_destroy(scene->mapping);
    config_destroy(scene->owner);
    free(scene->warnings);
    free(scene->body);
    free(scene);
}

enum event_verdict avro_scene_decode(struct avro_scene *scene, struct bytes body) {
    free(scene->body);
    scene->body = malloc(body.size);
    assert(scene->body || body.size == 0);
    if (body.size > 0) {
        memcpy(scene->body, body.data, body.size);
    }
    return avro_plan_decode(scene->plan, bytes_of(scene->body, body.size), &scene->scratch,
                            &scene->event);
}
