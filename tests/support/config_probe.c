#include "tests/support/config_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(items)        (sizeof(items) / sizeof(items)[0])
#define AT(type, the_field) .offset = offsetof(struct type, the_field)

static const char *const modes[] = {"off", "observe", "apprentice", NULL};

static const struct config_key inner_keys[] = {
    {.name = "depth", .type = CONFIG_INT, AT(probe_inner, depth), .default_text = "3"},
    {.name = "label",
     .type = CONFIG_TEXT,
     AT(probe_inner, label),
     .default_text = "say \"hi\" \\ bye",
     .help = "a text with quotes"},
};
static const struct config_table inner_table = {inner_keys, COUNT(inner_keys),
                                                sizeof(struct probe_inner)};

static const struct config_key offer_keys[] = {
    {.name = "id", .type = CONFIG_TEXT, AT(probe_offer, id), .help = "unique name"},
    {.name = "cost", .type = CONFIG_NUMBER, AT(probe_offer, cost), .default_text = "0.5"},
    {.name = "kind",
     .type = CONFIG_CHOICE,
     AT(probe_offer, kind),
     .default_text = "observe",
     .choices = modes},
    {.name = "tags", .type = CONFIG_TEXT_LIST, AT(probe_offer, tags), .default_text = "[a, b]"},
};
static const struct config_table offer_table = {offer_keys, COUNT(offer_keys),
                                                sizeof(struct probe_offer)};

static const struct config_key keys[] = {
    {.name = "on", .type = CONFIG_BOOL, AT(probe, on), .default_text = "true"},
    {.name = "count",
     .type = CONFIG_INT,
     AT(probe, count),
     .default_text = "7",
     .min = 1,
     .max = 9,
     .help = "how many, in pieces"},
    {.name = "share",
     .type = CONFIG_NUMBER,
     AT(probe, share),
     .default_text = "0.25",
     .min = -1,
     .max = 1},
    {.name = "wait",
     .type = CONFIG_DURATION_MS,
     AT(probe, wait_ms),
     .default_text = "30m",
     .min = 1000,
     .max = 86400000,
     .help = "how long nothing may happen before something does, a sentence that is long enough "
             "to be broken at the hundredth column"},
    {.name = "memory",
     .type = CONFIG_SIZE_BYTES,
     AT(probe, memory_bytes),
     .default_text = "64M",
     .min = 4096},
    {.name = "name", .type = CONFIG_TEXT, AT(probe, name), .default_text = "none"},
    {.name = "mode",
     .type = CONFIG_CHOICE,
     AT(probe, mode),
     .default_text = "apprentice",
     .choices = modes},
    {.name = "quiet", .type = CONFIG_TIME_RANGE, AT(probe, quiet), .default_text = "22:00-08:00"},
    {.name = "start", .type = CONFIG_INSTANT_MS, AT(probe, start_ms), .default_text = ""},
    {.name = "properties", .type = CONFIG_PROPERTIES, AT(probe, properties)},
    {.name = "offers", .type = CONFIG_LIST, AT(probe, offers), .element = &offer_table},
    {.name = "inner",
     .type = CONFIG_SECTION,
     AT(probe, inner),
     .element = &inner_table,
     .help = "a section within"},
    {.name = "words", .type = CONFIG_TEXT_LIST, AT(probe, words)},
};
const struct config_table probe_table = {keys, COUNT(keys), sizeof(struct probe)};

static const struct config_key required_keys[] = {
    {.name = "brokers", .type = CONFIG_TEXT, AT(probe_required, brokers), .help = "host:port"},
};
const struct config_table probe_required_table = {required_keys, COUNT(required_keys),
                                                  sizeof(struct probe_required)};

static const struct config_key box_keys[] = {
    {.name = "label", .type = CONFIG_TEXT, AT(probe_box, label), .default_text = "plain"},
    {.name = "size",
     .type = CONFIG_INT,
     AT(probe_box, size),
     .default_text = "1",
     .max = 9,
     .is_bare = true},
};
static const struct config_table box_table = {box_keys, COUNT(box_keys), sizeof(struct probe_box)};

static const struct config_key boxes_keys[] = {
    {.name = "first",
     .type = CONFIG_SECTION,
     AT(probe_boxes, first),
     .element = &box_table,
     .help = "a box"},
    {.name = "second", .type = CONFIG_SECTION, AT(probe_boxes, second), .element = &box_table},
    {.name = "more", .type = CONFIG_LIST, AT(probe_boxes, more), .element = &box_table},
};
const struct config_table probe_boxes_table = {boxes_keys, COUNT(boxes_keys),
                                               sizeof(struct probe_boxes)};

struct config *probe_load(const char *text, size_t size, struct probe *out, char **out_errors) {
    size_t errors_size;
    FILE *errors = open_memstream(out_errors, &errors_size);
    struct config_room room = {"probe", &probe_table, out};
    struct config *config = NULL;
    struct failure failure = config_load_text("f.yaml", text, size, &room, 1, errors, &config);
    fclose(errors);
    assert_int_equal(failed(failure), config == NULL);
    assert_int_equal(failed(failure), (*out_errors)[0] != '\0');
    return config;
}

void probe_assert_errors_of(const char *text, size_t size, const char *errors) {
    struct probe probe = {0};
    char *found;
    struct config *config = probe_load(text, size, &probe, &found);
    assert_string_equal(found, errors);
    assert_null(config);
    free(found);
}

void probe_assert_errors(const char *text, const char *errors) {
    probe_assert_errors_of(text, strlen(text), errors);
}

struct config *probe_assert_loads(const char *text, struct probe *out) {
    char *errors;
    struct config *config = probe_load(text, strlen(text), out, &errors);
    assert_string_equal(errors, "");
    free(errors);
    return config;
}
