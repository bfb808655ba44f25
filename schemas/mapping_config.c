#include "schemas/mapping.h"

const char *const mapping_unit_names[] = {"auto", "ms", "us", "ns", "s", "cents", "micros", NULL};

static const struct config_key field_keys[] = {
    {.name = "path",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct mapping_field_config, path),
     .default_text = "",
     .help = "where its value lies in the message: a.b, map[key], array[key=x].value, x | y",
     .is_bare = true},
    {.name = "unit",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct mapping_field_config, unit),
     .default_text = "auto",
     .choices = mapping_unit_names,
     .help = "of a time, or of money"},
    {.name = "default",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct mapping_field_config, default_text),
     .default_text = "",
     .help = "its value where the message has none"},
    {.name = "values",
     .type = CONFIG_PROPERTIES,
     .offset = offsetof(struct mapping_field_config, values),
     .help = "what stands in the message: what it means"},
};
static const struct config_table field_table = {
    field_keys, sizeof field_keys / sizeof field_keys[0], sizeof(struct mapping_field_config)};

#define FIELD_KEY(text, member, help_text)                                                         \
    {                                                                                              \
        .name = text, .type = CONFIG_SECTION, .offset = offsetof(struct mapping_config, member),   \
        .element = &field_table, .help = help_text                                                 \
    }
#define EVENT_KEY(id, field, kind)                                                                 \
    FIELD_KEY(#field, event[id],                                                                   \
              "a field of event.avsc, as all below: this section, or its path alone"),
#define LINE_KEY(id, field, kind) FIELD_KEY(#field, lines[id], "of each line, as all below"),
#define PRODUCT_KEY(id, field, kind)                                                               \
    FIELD_KEY(#field, product[id], "of the one product, as all below"),

/* Both sections are parts of the same struct: their offsets count from its start. */
static const struct config_key lines_keys[] = {
    {.name = "path",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct mapping_config, lines_path),
     .default_text = "",
     .help = "the array with the event's lines, at most 200: order.products[]"},
    MAPPING_LINE_FIELDS(LINE_KEY)};
static const struct config_table lines_table = {
    lines_keys, sizeof lines_keys / sizeof lines_keys[0], sizeof(struct mapping_config)};

static const struct config_key product_keys[] = {MAPPING_LINE_FIELDS(PRODUCT_KEY)};
static const struct config_table product_table = {
    product_keys, sizeof product_keys / sizeof product_keys[0], sizeof(struct mapping_config)};

static const struct config_key keys[] = {
    {.name = "preset",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct mapping_config, preset),
     .default_text = "",
     .help = "a known vocabulary that fills in what is left out here: promostream mapping presets"},
    MAPPING_EVENT_FIELDS(EVENT_KEY){.name = "lines",
                                    .type = CONFIG_SECTION,
                                    .element = &lines_table,
                                    .help = "products of an event, from an array"},
    {.name = "product",
     .type = CONFIG_SECTION,
     .element = &product_table,
     .help = "the one product of an event without such an array"},
};
const struct config_table mapping_config_table = {keys, sizeof keys / sizeof keys[0],
                                                  sizeof(struct mapping_config)};

static bool says_something(const struct mapping_field_config *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (fields[i].path[0] != '\0' || fields[i].default_text[0] != '\0' ||
            fields[i].values.count > 0) {
            return true;
        }
    }
    return false;
}

bool mapping_is_given(const struct mapping_config *config) {
    return config->preset && /* NULL: no configuration was loaded */
           (config->preset[0] != '\0' || config->lines_path[0] != '\0' ||
            says_something(config->event, MAPPING_EVENT_FIELD_COUNT) ||
            says_something(config->lines, MAPPING_LINE_FIELD_COUNT) ||
            says_something(config->product, MAPPING_LINE_FIELD_COUNT));
}
