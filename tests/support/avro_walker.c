#include "tests/support/avro_walker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "schemas/wire.h"

/* A value and its type. */
struct place {
    const struct writer_node *node;
    avro_value_t value;
};

/* Into the branch that a union took; false for null. */
static bool enter_union(struct place *at) {
    while (at->node->type == WRITER_UNION) {
        int branch;
        avro_value_t inner;
        assert(avro_value_get_discriminant(&at->value, &branch) == 0);
        assert(avro_value_get_current_branch(&at->value, &inner) == 0);
        at->node = at->node->branches[branch];
        at->value = inner;
    }
    return at->node->type != WRITER_NULL;
}

static bool enter_name(struct place *at, struct bytes name) {
    char text[600];
    avro_value_t inner;
    if (at->node->type == WRITER_RECORD) {
        const struct writer_field *field = writer_find_field(at->node, name);
        if (!field) {
            return false;
        }
        assert(avro_value_get_by_index(&at->value, (size_t)(field - at->node->fields), &inner,
                                       NULL) == 0);
        *at = (struct place){field->type, inner};
        return true;
    }
    snprintf(text, sizeof(text), "%.*s", BYTES_ARG(name));
    if (at->node->type != WRITER_MAP ||
        avro_value_get_by_name(&at->value, text, &inner, NULL) != 0) {
        return false;
    }
    *at = (struct place){at->node->items, inner};
    return true;
}

static size_t item_count(struct place at) {
    size_t count;
    assert(avro_value_get_size(&at.value, &count) == 0);
    return count;
}

static struct place item_of(struct place at, size_t index) {
    struct place item = {.node = at.node->items};
    assert(avro_value_get_by_index(&at.value, index, &item.value, NULL) == 0);
    return item;
}

static struct bytes string_of(avro_value_t value) {
    const char *text;
    size_t size;
    assert(avro_value_get_string(&value, &text, &size) == 0);
    return bytes_of(text, size - 1); /* Avro-C counts the NUL */
}

static struct bytes symbol_of(struct place at) {
    int symbol;
    assert(avro_value_get_enum(&at.value, &symbol) == 0);
    return at.node->symbols[symbol];
}

static bool matches(struct place item, const struct mapping_step *step) {
    if (!enter_union(&item) || item.node->type != WRITER_RECORD || !enter_name(&item, step->name) ||
        !enter_union(&item)) {
        return false;
    }
    return (item.node->type == WRITER_STRING && bytes_equal(string_of(item.value), step->value)) ||
           (item.node->type == WRITER_ENUM && bytes_equal(symbol_of(item), step->value));
}

static bool enter_item(struct place *at, const struct mapping_step *step) {
    if (at->node->type != WRITER_ARRAY) {
        return false;
    }
    size_t count = item_count(*at);
    size_t index = step->index;
    if (step->kind == STEP_WHERE) {
        for (index = 0; index < count && !matches(item_of(*at, index), step); index++) {
        }
    }
    if (index >= count) {
        return false;
    }
    *at = item_of(*at, index);
    return true;
}

/* Along the steps; out_branch: the name that a last step STEP_BRANCH asked for. */
static bool enter(struct place *at, const struct mapping_step *steps, size_t count,
                  struct bytes *out_branch) {
    for (size_t i = 0; i < count; i++) {
        bool is_union = at->node->type == WRITER_UNION;
        if (!enter_union(at)) {
            return false;
        }
        bool is_there = false;
        switch (steps[i].kind) {
        case STEP_FIELD:
            is_there = enter_name(at, steps[i].name);
            break;
        case STEP_KEY:
            is_there = at->node->type == WRITER_MAP && enter_name(at, steps[i].name);
            break;
        case STEP_WHERE:
        case STEP_INDEX:
            is_there = enter_item(at, &steps[i]);
            break;
        case STEP_BRANCH:
            *out_branch = at->node->name.size > 0 ? writer_short_name(at->node->name)
                                                  : bytes_of_text(writer_type_name(at->node->type));
            return is_union;
        }
        if (!is_there) {
            return false;
        }
    }
    return enter_union(at);
}

/* ---- Leaves ---- */

/* By long division of the digits in base 256, as text, read by strtod. */
static double decimal_of(struct bytes bytes, int32_t scale) {
    char digits[128], text[200];
    uint8_t rest[32];
    size_t count = 0;
    assert(bytes.size > 0 && bytes.size <= sizeof(rest));
    bool is_negative = bytes.data[0] & 0x80;
    unsigned carry = is_negative;
    for (size_t i = bytes.size; i-- > 0;) {
        unsigned byte = (is_negative ? (uint8_t)~bytes.data[i] : bytes.data[i]) + carry;
        rest[i] = (uint8_t)byte;
        carry = byte >> 8;
    }
    for (bool is_zero = false; !is_zero && count < sizeof(digits);) {
        unsigned remainder = carry;
        carry = 0;
        is_zero = true;
        for (size_t i = 0; i < bytes.size; i++) {
            unsigned part = remainder << 8 | rest[i];
            rest[i] = (uint8_t)(part / 10);
            remainder = part % 10;
            is_zero = is_zero && rest[i] == 0;
        }
        digits[count++] = (char)('0' + remainder);
    }
    size_t size = 0;
    text[size++] = is_negative ? '-' : '+';
    while (count > 0) {
        text[size++] = digits[--count];
    }
    snprintf(text + size, sizeof(text) - size, "e-%d", scale);
    return strtod(text, NULL);
}

static struct bytes uuid_of(struct avro_walker *walker, struct bytes bytes) {
    char *text = walker->texts + walker->text_bytes;
    char *end = text;
    assert(walker->text_bytes + 64 < sizeof(walker->texts));
    for (size_t i = 0; i < 16; i++) {
        const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
        end += sprintf(end, "%s%02x", dash, bytes.data[i]);
    }
    walker->text_bytes += 36;
    return bytes_of(text, 36);
}

static struct bytes bytes_at(struct place at) {
    const void *data;
    size_t size;
    int error = at.node->type == WRITER_FIXED ? avro_value_get_fixed(&at.value, &data, &size)
                                              : avro_value_get_bytes(&at.value, &data, &size);
    assert(error == 0);
    return bytes_of(data, size);
}

static int64_t integer_at(struct place at) {
    int32_t narrow = 0;
    int64_t wide = 0;
    int error = at.node->type == WRITER_INT ? avro_value_get_int(&at.value, &narrow)
                                            : avro_value_get_long(&at.value, &wide);
    assert(error == 0);
    return at.node->type == WRITER_INT ? narrow : wide;
}

static double real_at(struct place at) {
    float narrow = 0;
    double wide = 0;
    int error = at.node->type == WRITER_FLOAT ? avro_value_get_float(&at.value, &narrow)
                                              : avro_value_get_double(&at.value, &wide);
    assert(error == 0);
    return at.node->type == WRITER_FLOAT ? (double)narrow : wide;
}

/* False for what no field of this kind can take. Sets verdicts. */
static bool leaf_of(struct avro_walker *walker, struct place at, enum mapping_kind kind,
                    struct mapped *out) {
    int boolean;
    bool is_decimal = at.node->logical == LOGICAL_DECIMAL;
    bool takes_decimals = kind == MAPPING_NUMBER || kind == MAPPING_COUNT;
    switch (at.node->type) {
    case WRITER_BOOLEAN:
        assert(avro_value_get_boolean(&at.value, &boolean) == 0);
        *out = (struct mapped){.kind = MAPPED_BOOLEAN, .boolean = boolean};
        return true;
    case WRITER_INT:
    case WRITER_LONG:
        *out = (struct mapped){.kind = MAPPED_LONG, .integer = integer_at(at)};
        out->unit = at.node->logical == LOGICAL_TIMESTAMP_MILLIS   ? UNIT_MS
                    : at.node->logical == LOGICAL_TIMESTAMP_MICROS ? UNIT_US
                    : at.node->logical == LOGICAL_TIMESTAMP_NANOS  ? UNIT_NS
                                                                   : UNIT_AUTO;
        return true;
    case WRITER_FLOAT:
    case WRITER_DOUBLE:
        *out = (struct mapped){.kind = MAPPED_DOUBLE, .number = real_at(at)};
        return true;
    case WRITER_STRING:
        *out = (struct mapped){.kind = MAPPED_TEXT, .text = string_of(at.value)};
        return true;
    case WRITER_ENUM:
        *out = (struct mapped){.kind = MAPPED_TEXT, .text = symbol_of(at)};
        return true;
    case WRITER_BYTES:
    case WRITER_FIXED:
        if (is_decimal) {
            *out = (struct mapped){.kind = MAPPED_DOUBLE};
            if (takes_decimals) {
                out->number = decimal_of(bytes_at(at), at.node->scale);
            }
            return takes_decimals;
        }
        *out = (struct mapped){.kind = MAPPED_TEXT, .text = bytes_at(at)};
        if (at.node->logical == LOGICAL_UUID) {
            out->text = uuid_of(walker, out->text);
        }
        return at.node->type == WRITER_BYTES || at.node->size > 0;
    default:
        return false;
    }
}

/* ---- Fields ---- */

static bool find(struct avro_walker *walker, struct place root, const struct mapping_path *path,
                 const struct mapping_field *field, struct mapped *out,
                 enum mapping_unit *out_unit) {
    struct bytes branch = {0};
    if (!enter(&root, path->steps, path->step_count, &branch)) {
        return false;
    }
    if (branch.size > 0) {
        *out = (struct mapped){.kind = MAPPED_TEXT, .text = branch};
        return true;
    }
    if (!leaf_of(walker, root, field->kind, out)) {
        return false;
    }
    if (root.node->logical == LOGICAL_DATE && field->kind == MAPPING_TIME) {
        out->integer *= 24 * 60 * 60 * INT64_C(1000);
        out->unit = UNIT_MS;
        *out_unit = UNIT_AUTO;
    }
    return true;
}

/* False if nothing gives it a value. */
static bool read_field(struct avro_walker *walker, struct place root, enum mapping_scope scope,
                       uint8_t index, void *record) {
    const struct mapping *mapping = walker->mapping;
    struct mapping_field field = scope == SCOPE_EVENT  ? mapping->event[index]
                                 : scope == SCOPE_LINE ? mapping->lines[index]
                                                       : mapping->product[index];
    enum mapping_unit unit = field.unit;
    mapping_store_default(&field, record);
    for (uint8_t rank = 0; rank < MAPPING_ALTERNATIVES_MAX; rank++) {
        for (size_t i = 0; i < mapping->path_count; i++) {
            const struct mapping_path *path = &mapping->paths[i];
            struct mapped value;
            bool is_present = true;
            field.unit = unit;
            if (path->scope != scope || path->field != index || path->rank != rank ||
                !find(walker, root, path, &field, &value, &field.unit)) {
                continue;
            }
            enum event_verdict verdict = EVENT_BAD_UTF8;
            if (value.kind != MAPPED_TEXT || wire_is_utf8(value.text)) {
                verdict = mapping_store(&field, value, &walker->scratch, record, &is_present);
            }
            if (verdict != EVENT_OK) {
                walker->verdicts |= UINT32_C(1) << verdict;
            }
            if (verdict != EVENT_OK || is_present) {
                return true;
            }
        }
    }
    mapping_store_default(&field, record);
    return field.has_default;
}

static void read_line(struct avro_walker *walker, struct place root, enum mapping_scope scope) {
    struct event *event = &walker->event;
    struct event_line *line = &walker->lines[event->line_count];
    *line = (struct event_line){.price = (double)NAN, .quantity = 1};
    for (uint8_t i = 0; i < MAPPING_LINE_FIELD_COUNT; i++) {
        (void)read_field(walker, root, scope, i, line);
    }
    event->line_count += line->item_id.size > 0;
}

static void read_lines(struct avro_walker *walker, struct place root) {
    struct bytes branch;
    const struct mapping *mapping = walker->mapping;
    if (mapping->lines_step_count == 0 ||
        !enter(&root, mapping->lines_steps, mapping->lines_step_count, &branch) ||
        root.node->type != WRITER_ARRAY) {
        return;
    }
    size_t count = item_count(root);
    assert(count <= EVENT_LINES_MAX);
    for (size_t i = 0; i < count; i++) {
        read_line(walker, item_of(root, i), SCOPE_LINE);
    }
}

void avro_walker_read(struct avro_walker *walker, avro_value_t *message) {
    struct place root = {walker->schema->root, *message};
    struct event *event = &walker->event;
    walker->verdicts = 0;
    walker->text_bytes = 0;
    walker->scratch.size = 0;
    event_clear(event, walker->lines);
    if (!enter_union(&root)) {
        walker->verdicts = UINT32_C(1) << EVENT_EMPTY;
        return;
    }
    for (uint8_t i = 0; i < MAPPING_EVENT_FIELD_COUNT; i++) {
        if (!read_field(walker, root, SCOPE_EVENT, i, event) && i <= MAP_EVENT_MS) {
            walker->verdicts |= UINT32_C(1) << EVENT_MISSING_FIELD;
        }
    }
    read_lines(walker, root);
    if (event->line_count == 0) {
        read_line(walker, root, SCOPE_PRODUCT);
    }
}
