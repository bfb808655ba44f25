#include "schemas/mapping.h"

#include <stdlib.h>

#include "base/nearest.h"
#include "schemas/mapping_number.h"
#include "schemas/mapping_path.h"

static const char *const consent_names[] = {"unknown", "granted", "denied", NULL};

struct owned {
    struct config *preset; /* texts of the preset */
    struct mapping_config preset_config;
    struct mapping_value *values[MAPPING_EVENT_FIELD_COUNT + 2 * MAPPING_LINE_FIELD_COUNT];
    size_t values_count;
};

struct builder {
    struct mapping *mapping;
    struct owned *owned;
    FILE *errors;
    size_t error_count;
};

struct field_shape { /* what the X tables say */
    const char *name;
    enum mapping_kind kind;
    size_t offset;
};
#define EVENT_SHAPE(id, name, kind) {#name, kind, offsetof(struct event, name)},
#define LINE_SHAPE(id, name, kind)  {#name, kind, offsetof(struct event_line, name)},
static const struct field_shape event_shapes[] = {MAPPING_EVENT_FIELDS(EVENT_SHAPE)};
static const struct field_shape line_shapes[] = {MAPPING_LINE_FIELDS(LINE_SHAPE)};

/* One field as it is being built. */
struct place {
    const char *section; /* "", "lines.", "product." */
    enum mapping_scope scope;
    uint8_t index;
    const struct mapping_field_config *own, *preset; /* preset: NULL = none */
    const struct mapping_field_config *base;         /* what of these holds, but for values */
    struct mapping_field *field;
};

static void refuse(struct builder *builder, const struct place *place, const char *key,
                   struct bytes found, const char *expected) {
    fprintf(builder->errors, "mapping.%s%s.%s: found '%.*s', expected %s\n", place->section,
            place->field->name, key, BYTES_ARG(found), expected);
    builder->error_count++;
}

/* ---- What stands for what ---- */

static bool code_of(enum mapping_kind kind, const char *text, int *out) {
    if (kind == MAPPING_TYPE) {
        *out = (int)event_type_of_name(bytes_of_text(text));
        return *out != EVENT_OTHER || strcmp(text, event_type_name(EVENT_OTHER)) == 0;
    }
    for (int i = 0; consent_names[i]; i++) {
        if (strcmp(consent_names[i], text) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static void refuse_code(struct builder *builder, const struct place *place, const char *key,
                        const char *text) {
    struct nearest nearest;
    nearest_init(&nearest, text);
    if (place->field->kind == MAPPING_TYPE) {
        for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
            nearest_offer(&nearest, event_type_name((enum event_type)type));
        }
    }
    char expected[160];
    (void)snprintf(expected, sizeof expected, "%s%s%s",
                   place->field->kind == MAPPING_TYPE ? "a type of event.avsc"
                                                      : "unknown, granted or denied",
                   nearest.name ? ", perhaps " : "", nearest.name ? nearest.name : "");
    refuse(builder, place, key, bytes_of_text(text), expected);
}

/* Keeps rows sorted; the first of two equal ones stays. */
static void add_value(struct mapping_field *field, struct mapping_value *rows,
                      struct mapping_value value) {
    size_t at = 0;
    while (at < field->value_count && bytes_compare(rows[at].from, value.from) < 0) {
        at++;
    }
    if (at < field->value_count && bytes_equal(rows[at].from, value.from)) {
        return;
    }
    memmove(rows + at + 1, rows + at, (field->value_count - at) * sizeof *rows);
    rows[at] = value;
    field->value_count++;
}

static void add_values(struct builder *builder, const struct place *place,
                       const struct mapping_field_config *config, struct mapping_value *rows) {
    struct mapping_field *field = place->field;
    for (size_t i = 0; config && i < config->values.count; i++) {
        const struct config_property *row = &config->values.items[i];
        struct mapping_value value = {.from = bytes_of_text(row->name),
                                      .to = bytes_of_text(row->value)};
        bool has_code = field->kind == MAPPING_TYPE || field->kind == MAPPING_CONSENT;
        if (field->value_count == MAPPING_VALUES_MAX) {
            refuse(builder, place, "values", value.from, "at most 256 rows");
            return;
        }
        if (has_code && !code_of(field->kind, row->value, &value.code)) {
            char key[80];
            (void)snprintf(key, sizeof key, "values.%s", row->name);
            refuse_code(builder, place, key, row->value);
        } else {
            add_value(field, rows, value);
        }
    }
}

static void build_values(struct builder *builder, const struct place *place) {
    size_t count = place->own->values.count + (place->preset ? place->preset->values.count : 0);
    if (count == 0) {
        return;
    }
    enum mapping_kind kind = place->field->kind;
    if (kind != MAPPING_TYPE && kind != MAPPING_CONSENT && kind != MAPPING_TEXT) {
        refuse(builder, place, "values", bytes_of_text("values"), "none: it is a time or a number");
        return;
    }
    struct mapping_value *rows = memory_new(count + 1, sizeof *rows);
    builder->owned->values[builder->owned->values_count++] = rows;
    add_values(builder, place, place->own, rows);
    add_values(builder, place, place->preset, rows);
    place->field->values = rows;
}

/* ---- Unit and default ---- */

static void build_unit(struct builder *builder, const struct place *place) {
    enum mapping_unit unit = (enum mapping_unit)place->base->unit;
    enum mapping_kind kind = place->field->kind;
    bool is_money = unit == UNIT_CENTS || unit == UNIT_MICROS;
    bool fits = unit == UNIT_AUTO || (kind == MAPPING_TIME && !is_money) ||
                (kind == MAPPING_NUMBER && is_money);
    if (!fits) {
        refuse(builder, place, "unit", bytes_of_text(mapping_unit_names[unit]),
               kind == MAPPING_TIME     ? "auto, ms, us, ns or s"
               : kind == MAPPING_NUMBER ? "auto, cents or micros"
                                        : "auto: it is neither a time nor money");
    }
    place->field->unit = unit;
}

static void build_default(struct builder *builder, const struct place *place) {
    struct mapping_field *field = place->field;
    const char *text = place->base->default_text;
    struct bytes bytes = bytes_of_text(text);
    if (bytes.size == 0) {
        return;
    }
    field->has_default = true;
    switch (field->kind) {
    case MAPPING_TYPE:
    case MAPPING_CONSENT:
        if (!code_of(field->kind, text, &field->default_code)) {
            refuse_code(builder, place, "default", text);
        }
        break;
    case MAPPING_TIME:
        refuse(builder, place, "default", bytes, "'': a time has none");
        break;
    case MAPPING_TEXT:
        field->default_text = bytes;
        if (bytes.size > field->text_bytes_max) {
            refuse(builder, place, "default", bytes, "a shorter text");
        }
        break;
    case MAPPING_NUMBER:
    case MAPPING_COUNT:
        if (!mapping_parse_number(bytes, &field->default_number) ||
            (field->kind == MAPPING_COUNT &&
             !(field->default_number >= 1 && field->default_number <= INT32_MAX &&
               field->default_number == (double)(int32_t)field->default_number))) {
            refuse(builder, place, "default", bytes,
                   field->kind == MAPPING_COUNT ? "an integer of at least 1" : "a number");
            field->default_number = 1;
        }
        break;
    }
}

/* ---- Paths ---- */

static void refuse_path(struct builder *builder, const char *key, struct bytes text,
                        const struct path_error *error) {
    if (error->at.size == 0) {
        fprintf(builder->errors, "mapping.%s: found the end of '%.*s', expected %s\n", key,
                BYTES_ARG(text), error->expected);
    } else {
        fprintf(builder->errors, "mapping.%s: found '%.*s' in '%.*s', expected %s\n", key,
                BYTES_ARG(error->at), BYTES_ARG(text), error->expected);
    }
    builder->error_count++;
}

static void build_paths(struct builder *builder, const struct place *place) {
    struct mapping *mapping = builder->mapping;
    struct bytes rest = bytes_of_text(place->base->path), text;
    for (uint8_t rank = 0; mapping_path_next(&rest, &text); rank++) {
        struct path_error error = {text, "at most 8 alternatives"};
        struct mapping_path *path = &mapping->paths[mapping->path_count];
        char key[80];
        (void)snprintf(key, sizeof key, "%s%s.path", place->section, place->field->name);
        if (mapping->path_count == MAPPING_PATHS_MAX) {
            error.expected = "at most 128 paths in all";
        } else if (rank < MAPPING_ALTERNATIVES_MAX) {
            *path = (struct mapping_path){
                .scope = place->scope, .field = place->index, .rank = rank, .text = text};
            if (mapping_path_parse(text, false, path->steps, &path->step_count, &error)) {
                mapping->path_count++;
                continue;
            }
        }
        refuse_path(builder, key, text, &error);
        return;
    }
}

static void build_lines_path(struct builder *builder, const char *path) {
    struct mapping *mapping = builder->mapping;
    struct path_error error;
    struct bytes text = bytes_of_text(path);
    if (text.size > 0 &&
        !mapping_path_parse(text, true, mapping->lines_steps, &mapping->lines_step_count, &error)) {
        refuse_path(builder, "lines.path", text, &error);
    }
}

/* ---- The whole ---- */

/* Unit and default belong to a path: beside one of its own, a field takes none of the preset's. Its
 * values are merged elsewhere. */
static struct mapping_field_config base_of(const struct place *place) {
    const struct mapping_field_config *own = place->own;
    if (!place->preset || own->path[0] != '\0') {
        return *own;
    }
    struct mapping_field_config base = *place->preset;
    base.unit = own->unit != UNIT_AUTO ? own->unit : base.unit;
    base.default_text = own->default_text[0] != '\0' ? own->default_text : base.default_text;
    return base;
}

static void build_field(struct builder *builder, struct place place,
                        const struct field_shape *shape) {
    const struct mapping_field_config base = base_of(&place);
    place.base = &base;
    bool is_user = place.scope == SCOPE_EVENT && place.index == MAP_USER_ID;
    *place.field = (struct mapping_field){
        .name = shape->name,
        .kind = shape->kind,
        .offset = (uint16_t)shape->offset,
        .text_bytes_max = is_user ? EVENT_USER_BYTES_MAX : EVENT_TEXT_BYTES_MAX,
        .default_number = shape->kind == MAPPING_COUNT ? 1 : 0,
    };
    build_values(builder, &place);
    build_unit(builder, &place);
    build_default(builder, &place);
    build_paths(builder, &place);
}

static void build_fields(struct builder *builder, const struct mapping_config *config,
                         const struct mapping_config *preset) {
    struct mapping *mapping = builder->mapping;
    for (uint8_t i = 0; i < MAPPING_EVENT_FIELD_COUNT; i++) {
        build_field(builder,
                    (struct place){"", SCOPE_EVENT, i, &config->event[i],
                                   preset ? &preset->event[i] : NULL, NULL, &mapping->event[i]},
                    &event_shapes[i]);
    }
    for (uint8_t i = 0; i < MAPPING_LINE_FIELD_COUNT; i++) {
        build_field(builder,
                    (struct place){"lines.", SCOPE_LINE, i, &config->lines[i],
                                   preset ? &preset->lines[i] : NULL, NULL, &mapping->lines[i]},
                    &line_shapes[i]);
    }
    for (uint8_t i = 0; i < MAPPING_LINE_FIELD_COUNT; i++) {
        build_field(builder,
                    (struct place){"product.", SCOPE_PRODUCT, i, &config->product[i],
                                   preset ? &preset->product[i] : NULL, NULL, &mapping->product[i]},
                    &line_shapes[i]);
    }
    build_lines_path(builder, config->lines_path[0] == '\0' && preset ? preset->lines_path
                                                                      : config->lines_path);
}

static size_t paths_of(const struct mapping *mapping, enum mapping_scope scope, int field) {
    size_t count = 0;
    for (size_t i = 0; i < mapping->path_count; i++) {
        count +=
            mapping->paths[i].scope == scope && (field < 0 || mapping->paths[i].field == field);
    }
    return count;
}

static void demand(struct builder *builder, bool holds, const char *key, const char *expected) {
    if (!holds) {
        fprintf(builder->errors, "mapping.%s: found '', expected %s\n", key, expected);
        builder->error_count++;
    }
}

static void check_whole(struct builder *builder) {
    const struct mapping *mapping = builder->mapping;
    demand(builder,
           paths_of(mapping, SCOPE_EVENT, MAP_TYPE) > 0 || mapping->event[MAP_TYPE].has_default,
           "type.path", "where the message says what happened");
    demand(builder, paths_of(mapping, SCOPE_EVENT, MAP_EVENT_MS) > 0, "event_ms.path",
           "where the message says when it happened");
    bool has_lines = mapping->lines_step_count > 0;
    demand(builder, has_lines || paths_of(mapping, SCOPE_LINE, -1) == 0, "lines.path",
           "the array whose items the other paths of lines begin at");
    demand(builder, !has_lines || paths_of(mapping, SCOPE_LINE, MAP_LINE_ITEM_ID) > 0,
           "lines.item_id.path", "where a line says which product it is");
    demand(builder,
           paths_of(mapping, SCOPE_PRODUCT, -1) == 0 ||
               paths_of(mapping, SCOPE_PRODUCT, MAP_LINE_ITEM_ID) > 0,
           "product.item_id.path", "where the message says which product it is about");
}

/* NULL for none, or with an error. */
static const struct mapping_config *load_preset(struct builder *builder, const char *name) {
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (const struct mapping_preset *preset = mapping_presets; name[0] && preset->name; preset++) {
        nearest_offer(&nearest, preset->name);
        if (strcmp(preset->name, name) != 0) {
            continue;
        }
        struct config_room room = {"mapping", &mapping_config_table,
                                   &builder->owned->preset_config};
        struct failure failure = config_load_text(name, preset->text, strlen(preset->text), &room,
                                                  1, builder->errors, &builder->owned->preset);
        builder->error_count += failed(failure);
        return failed(failure) ? NULL : &builder->owned->preset_config;
    }
    if (name[0]) {
        fprintf(builder->errors,
                "mapping.preset: found '%s', expected one of promostream mapping presets%s%s\n",
                name, nearest.name ? ", perhaps " : "", nearest.name ? nearest.name : "");
        builder->error_count++;
    }
    return NULL;
}

struct mapping *mapping_new(const struct mapping_config *config, FILE *errors) {
    struct builder builder = {.mapping = memory_new(1, sizeof(struct mapping)),
                              .owned = memory_new(1, sizeof(struct owned)),
                              .errors = errors};
    builder.mapping->owned = builder.owned;
    const struct mapping_config *preset = load_preset(&builder, config->preset);
    if (builder.error_count == 0) {
        build_fields(&builder, config, preset);
    }
    if (builder.error_count == 0) {
        check_whole(&builder);
    }
    if (builder.error_count > 0) {
        mapping_destroy(builder.mapping);
        return NULL;
    }
    return builder.mapping;
}

void mapping_destroy(struct mapping *mapping) {
    if (!mapping) {
        return;
    }
    struct owned *owned = mapping->owned;
    for (size_t i = 0; i < owned->values_count; i++) {
        free(owned->values[i]);
    }
    config_destroy(owned->preset);
    free(owned);
    free(mapping);
}

struct mapping *mapping_new_own(void) {
    struct mapping_config config = {.preset = "", .lines_path = "lines[]"};
    for (size_t i = 0; i < MAPPING_EVENT_FIELD_COUNT; i++) {
        config.event[i] =
            (struct mapping_field_config){.path = event_shapes[i].name, .default_text = ""};
    }
    for (size_t i = 0; i < MAPPING_LINE_FIELD_COUNT; i++) {
        config.lines[i] =
            (struct mapping_field_config){.path = line_shapes[i].name, .default_text = ""};
        config.product[i] = (struct mapping_field_config){.path = "", .default_text = ""};
    }
    return mapping_new(&config, stderr);
}
