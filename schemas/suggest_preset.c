/* Does the shape look like one of the vocabularies that we know? */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "schemas/suggest.h"
#include "schemas/suggest_internal.h"

void suggest_preset_open(const struct mapping_preset *preset, struct suggest_preset_load *out) {
    *out = (struct suggest_preset_load){0};
    const struct config_room room = {"mapping", &mapping_config_table, &out->section};
    struct failure failure = config_load_text(preset->name, preset->text, strlen(preset->text),
                                              &room, 1, stderr, &out->config);
    assert(!failed(failure));
    out->mapping = mapping_new(&out->section, stderr);
    assert(out->mapping);
}

void suggest_preset_close(struct suggest_preset_load *load) {
    mapping_destroy(load->mapping);
    config_destroy(load->config);
}

/* The path as text, in the form that shape_find takes. */
static void write_steps(const struct mapping_step *steps, size_t count, struct buffer *out) {
    buffer_clear(out);
    for (size_t i = 0; i < count; i++) {
        const struct mapping_step *step = &steps[i];
        switch (step->kind) {
        case STEP_FIELD:
            buffer_format(out, "%s%.*s", i ? "." : "", BYTES_ARG(step->name));
            break;
        case STEP_KEY:
            buffer_format(out, "[%.*s]", BYTES_ARG(step->name));
            break;
        case STEP_WHERE:
            buffer_format(out, "[%.*s=%.*s]", BYTES_ARG(step->name), BYTES_ARG(step->value));
            break;
        case STEP_INDEX:
            buffer_format(out, "[%" PRIu32 "]", step->index);
            break;
        case STEP_BRANCH:
            buffer_format(out, "%s@type", i ? "." : "");
            break;
        }
    }
    buffer_append_byte(out, 0);
}

/* -1 = root; -2 = the preset's lines are not in the shape. */
static int32_t array_of(const struct shape *shape, const struct mapping *mapping,
                        enum mapping_scope scope) {
    if (scope != SCOPE_LINE) {
        return -1;
    }
    struct buffer text = {0};
    write_steps(mapping->lines_steps, mapping->lines_step_count, &text);
    int32_t array = shape_find_array(shape, (const char *)text.data);
    buffer_clean_up(&text);
    return array >= 0 ? array : -2;
}

const struct shape_leaf *suggest_preset_leaf(const struct shape *shape,
                                             const struct mapping *mapping,
                                             enum mapping_scope scope, size_t field) {
    const struct shape_leaf *found = NULL;
    int32_t array = array_of(shape, mapping, scope);
    uint8_t rank = UINT8_MAX;
    struct buffer text = {0};
    for (size_t i = 0; i < mapping->path_count && array >= -1; i++) {
        const struct mapping_path *path = &mapping->paths[i];
        if (path->scope != scope || path->field != field || path->rank >= rank) {
            continue;
        }
        write_steps(path->steps, path->step_count, &text);
        const struct shape_leaf *leaf = shape_find(shape, array, (const char *)text.data);
        found = leaf ? leaf : found;
        rank = leaf ? path->rank : rank;
    }
    buffer_clean_up(&text);
    return found;
}

bool suggest_preset_maps(const struct mapping *mapping, enum mapping_scope scope, size_t field) {
    for (size_t i = 0; i < mapping->path_count; i++) {
        if (mapping->paths[i].scope == scope && mapping->paths[i].field == field) {
            return true;
        }
    }
    return false;
}

static void count_scope(const struct shape *shape, const struct mapping *mapping,
                        enum mapping_scope scope, size_t fields, struct suggest_fit *fit) {
    for (size_t field = 0; field < fields; field++) {
        if (suggest_preset_maps(mapping, scope, field)) {
            fit->mapped++;
            fit->found += suggest_preset_leaf(shape, mapping, scope, field) != NULL;
        }
    }
}

static struct suggest_fit fit_of(const struct shape *shape, const struct mapping_preset *preset) {
    struct suggest_preset_load load;
    suggest_preset_open(preset, &load);
    struct suggest_fit fit = {.preset = preset};
    count_scope(shape, load.mapping, SCOPE_EVENT, MAPPING_EVENT_FIELD_COUNT, &fit);
    count_scope(shape, load.mapping, SCOPE_LINE, MAPPING_LINE_FIELD_COUNT, &fit);
    count_scope(shape, load.mapping, SCOPE_PRODUCT, MAPPING_LINE_FIELD_COUNT, &fit);
    if (!suggest_preset_leaf(shape, load.mapping, SCOPE_EVENT, MAP_TYPE) ||
        !suggest_preset_leaf(shape, load.mapping, SCOPE_EVENT, MAP_EVENT_MS) ||
        !suggest_preset_leaf(shape, load.mapping, SCOPE_EVENT, MAP_USER_ID)) {
        fit.found = 0;
    }
    suggest_preset_close(&load);
    return fit;
}

struct suggest_fit suggest_preset(const struct shape *shape) {
    struct suggest_fit best = {0};
    for (const struct mapping_preset *preset = mapping_presets; preset->name; preset++) {
        struct suggest_fit fit = fit_of(shape, preset);
        if (2 * fit.found >= fit.mapped &&
            (!best.preset || fit.found * best.mapped > best.found * fit.mapped)) {
            best = fit;
        }
    }
    return best;
}
