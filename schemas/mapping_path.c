#include "schemas/mapping_path.h"

#define INDEX_MAX 1000000

struct parser {
    struct bytes text;
    size_t at;
    struct mapping_step *steps;
    uint8_t count;
    struct path_error *error;
};

static bool fail(struct parser *parser, size_t at, const char *expected) {
    parser->error->at = bytes_of(parser->text.data + at, parser->text.size - at);
    parser->error->expected = expected;
    return false;
}

static int next_char(const struct parser *parser) {
    return parser->at < parser->text.size ? parser->text.data[parser->at] : -1;
}

static bool add_step(struct parser *parser, size_t at, struct mapping_step step) {
    if (parser->count == MAPPING_STEPS_MAX) {
        return fail(parser, at, "at most 16 steps");
    }
    if (parser->count > 0 && parser->steps[parser->count - 1].kind == STEP_BRANCH) {
        return fail(parser, at, "nothing after @type");
    }
    parser->steps[parser->count++] = step;
    return true;
}

static bool is_name_char(int c) {
    return c > ' ' && c != '.' && c != '[' && c != ']' && c != '|' && c != '=' && c != '"';
}

static bool parse_name(struct parser *parser) {
    size_t start = parser->at;
    while (is_name_char(next_char(parser))) {
        parser->at++;
    }
    struct bytes name = bytes_of(parser->text.data + start, parser->at - start);
    if (name.size == 0) {
        return fail(parser, start, "the name of a field");
    }
    bool is_branch = bytes_equal(name, bytes_of_text("@type"));
    return add_step(
        parser, start,
        (struct mapping_step){.kind = is_branch ? STEP_BRANCH : STEP_FIELD, .name = name});
}

/* An index if it is one: digits alone. Beyond INDEX_MAX it is INDEX_MAX + 1. */
static bool index_of(struct bytes inside, uint32_t *out) {
    uint32_t index = 0;
    for (size_t i = 0; i < inside.size; i++) {
        if (inside.data[i] < '0' || inside.data[i] > '9') {
            return false;
        }
        index = index * 10 + (uint32_t)(inside.data[i] - '0');
        index = index > INDEX_MAX ? INDEX_MAX + 1 : index;
    }
    *out = index;
    return inside.size > 0;
}

static bool is_quoted(struct bytes inside) {
    return inside.size >= 2 && (inside.data[0] == '"' || inside.data[0] == '\'') &&
           inside.data[inside.size - 1] == inside.data[0];
}

static struct mapping_step step_of(struct bytes inside) {
    uint32_t index;
    if (is_quoted(inside)) {
        return (struct mapping_step){.kind = STEP_KEY,
                                     .name = bytes_of(inside.data + 1, inside.size - 2)};
    }
    if (index_of(inside, &index)) {
        return (struct mapping_step){.kind = STEP_INDEX, .index = index};
    }
    const uint8_t *equals = inside.size ? memchr(inside.data, '=', inside.size) : NULL;
    if (!equals) {
        return (struct mapping_step){.kind = STEP_KEY, .name = inside};
    }
    size_t size = (size_t)(equals - inside.data);
    struct bytes value = bytes_of(equals + 1, inside.size - size - 1);
    if (is_quoted(value)) {
        value = bytes_of(value.data + 1, value.size - 2);
    }
    return (struct mapping_step){
        .kind = STEP_WHERE, .name = bytes_of(inside.data, size), .value = value};
}

static bool parse_bracket(struct parser *parser) {
    size_t start = parser->at++;
    const uint8_t *inside = parser->text.data + parser->at;
    const uint8_t *end = memchr(inside, ']', parser->text.size - parser->at);
    if (!end) {
        return fail(parser, start, "a closing ]");
    }
    struct mapping_step step = step_of(bytes_of(inside, (size_t)(end - inside)));
    parser->at += (size_t)(end - inside) + 1;
    if (step.kind == STEP_INDEX && step.index > INDEX_MAX) {
        return fail(parser, start, "an index of at most 1000000, or a key in quotes: ['7']");
    }
    if (step.kind != STEP_INDEX && step.name.size == 0) {
        return fail(parser, start, "[key], [name=value] or [0]; [] ends lines.path alone");
    }
    return add_step(parser, start, step);
}

bool mapping_path_parse(struct bytes text, bool is_array, struct mapping_step *out_steps,
                        uint8_t *out_count, struct path_error *out_error) {
    struct parser parser = {.text = text, .steps = out_steps, .error = out_error};
    if (is_array) {
        if (text.size < 3 || memcmp(text.data + text.size - 2, "[]", 2) != 0) {
            return fail(&parser, 0, "the path of an array with [] at its end");
        }
        parser.text.size -= 2;
    }
    do {
        bool is_whole = next_char(&parser) == '[' ? parse_bracket(&parser) : parse_name(&parser);
        while (is_whole && next_char(&parser) == '[') {
            is_whole = parse_bracket(&parser);
        }
        if (!is_whole) {
            return false;
        }
    } while (next_char(&parser) == '.' && parser.at++ < parser.text.size);
    if (parser.at < parser.text.size) {
        return fail(&parser, parser.at, "., [ or the end of the path");
    }
    if (is_array && parser.steps[parser.count - 1].kind == STEP_BRANCH) {
        return fail(&parser, 0, "the path of an array: @type is a name");
    }
    *out_count = parser.count;
    return true;
}

bool mapping_path_next(struct bytes *text, struct bytes *out_alternative) {
    while (text->size > 0 && text->data[0] == ' ') {
        *text = bytes_of(text->data + 1, text->size - 1);
    }
    if (text->size == 0) {
        return false;
    }
    size_t size = 0;
    bool is_inside = false;
    for (; size < text->size && (is_inside || text->data[size] != '|'); size++) {
        is_inside = text->data[size] == '[' || (is_inside && text->data[size] != ']');
    }
    size_t trimmed = size;
    while (trimmed > 0 && text->data[trimmed - 1] == ' ') {
        trimmed--;
    }
    *out_alternative = bytes_of(text->data, trimmed);
    size_t used = size < text->size ? size + 1 : size;
    *text = bytes_of(text->data + used, text->size - used);
    return true;
}
