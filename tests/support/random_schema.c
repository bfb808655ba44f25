#include "tests/support/random_schema.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/random_schema_internal.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define DEPTH_MAX     5 /* of types before recursion */
#define NODES_WANTED  70
#define MANY_BRANCHES 70 /* an index that takes two bytes */
#define NEST_MAX      2

/* Words of shops, so that records of different branches share fields. */
static const char *const words[] = {
    "id",     "price",      "properties", "context", "user",   "item_id", "name",   "currency",
    "total",  "quantity",   "category",   "brand",   "device", "session", "value",  "payload",
    "params", "attributes", "page",       "size",    "locale", "query",   "coupon", "order_id",
};
static const char *const keys[] = {
    "size",
    "color",
    "page.type",
    "gr\xc3\xb6\xc3\x9f"
    "e",
    "price",
    "item id",
    "utm_source",
    "ga_session_id",
};
static const char *const event_symbols[] = {
    "view",        "product_viewed", "add_to_cart",     "product_added", "ORDER_COMPLETED",
    "cart_viewed", "purchase",       "order_completed", "push_opened",   "ScreenView",
};
static const char *const consent_symbols[] = {"granted", "denied", "UNKNOWN", "unknown", "yes"};
static const char *const spaces[] = {"shop", "shop.web", "x.y.z"};

struct generator {
    struct rng *rng;
    struct random_schema *out;
    size_t capacity;
    size_t named_count; /* for names that differ */
    bool has_spaces;
    struct random_node *open[2 * DEPTH_MAX + 4]; /* records around the type that is made */
    size_t open_count;
};

static struct random_node *make_type(struct generator *gen, int depth);

static struct random_node *new_node(struct generator *gen, enum writer_type type) {
    struct random_schema *out = gen->out;
    if (out->node_count == gen->capacity) {
        gen->capacity = gen->capacity ? 2 * gen->capacity : 128;
        out->nodes = memory_grow(out->nodes, gen->capacity, sizeof(*out->nodes));
    }
    struct random_node *node = memory_new(1, sizeof(*node));
    node->type = type;
    node->kind = MAPPING_TEXT;
    out->nodes[out->node_count++] = node;
    if (type == WRITER_RECORD || type == WRITER_ENUM || type == WRITER_FIXED) {
        snprintf(node->name, sizeof(node->name), "%s%zu", chance(gen->rng, 2) ? "T" : "type_",
                 gen->named_count++);
        if (gen->has_spaces) {
            snprintf(node->space, sizeof(node->space), "%s",
                     spaces[rng_below(gen->rng, COUNT(spaces))]);
        }
    }
    return node;
}

static bool has_name(const struct random_node *node, const char *name) {
    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(node->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* A name or a child or both, at the end. */
static void add(struct random_node *node, const char *name, struct random_node *child) {
    node->names = memory_grow(node->names, node->count + 1, sizeof(*node->names));
    node->children = memory_grow(node->children, node->count + 1, sizeof(struct random_node *));
    node->children[node->count] = child;
    snprintf(node->names[node->count++], NODE_NAME_BYTES_MAX, "%s", name);
}

static void add_field(struct generator *gen, struct random_node *record,
                      struct random_node *child) {
    char name[NODE_NAME_BYTES_MAX];
    const char *word = words[rng_below(gen->rng, COUNT(words))];
    snprintf(name, sizeof(name), "%s", word);
    for (int i = 2; has_name(record, name); i++) {
        snprintf(name, sizeof(name), "%s%d", word, i);
    }
    add(record, name, child);
}

static void shuffle_fields(struct rng *rng, struct random_node *record) {
    for (size_t i = record->count; i > 1; i--) {
        size_t j = rng_below(rng, i);
        struct random_node *child = record->children[i - 1];
        char name[NODE_NAME_BYTES_MAX];
        record->children[i - 1] = record->children[j];
        record->children[j] = child;
        memcpy(name, record->names[i - 1], sizeof(name));
        memcpy(record->names[i - 1], record->names[j], sizeof(name));
        memcpy(record->names[j], name, sizeof(name));
    }
}

/* Some of the texts, none twice. */
static void add_some(struct generator *gen, struct random_node *node, const char *const *texts,
                     size_t count) {
    size_t wanted = 1 + rng_below(gen->rng, count);
    while (node->count < wanted) {
        const char *text = texts[rng_below(gen->rng, count)];
        if (!has_name(node, text)) {
            add(node, text, NULL);
        }
    }
}

/* ---- Leaves ---- */

static struct random_node *make_enum(struct generator *gen, enum mapping_kind kind) {
    struct random_node *node = new_node(gen, WRITER_ENUM);
    if (kind == MAPPING_TYPE) {
        add_some(gen, node, event_symbols, COUNT(event_symbols));
    } else if (kind == MAPPING_CONSENT) {
        add_some(gen, node, consent_symbols, COUNT(consent_symbols));
    } else {
        size_t count = 1 + (chance(gen->rng, 10) ? 100 : rng_below(gen->rng, 5));
        for (size_t i = 0; i < count; i++) {
            char symbol[NODE_NAME_BYTES_MAX];
            snprintf(symbol, sizeof(symbol), "S%zu", i);
            add(node, symbol, NULL);
        }
    }
    return node;
}

static struct random_node *make_decimal(struct generator *gen, bool is_fixed) {
    struct random_node *node = new_node(gen, is_fixed ? WRITER_FIXED : WRITER_BYTES);
    uint64_t digits_max = 38;
    if (is_fixed) {
        node->size = 1 + rng_below(gen->rng, 16);
        digits_max = (8 * node->size - 1) * 30103 / 100000;
        digits_max = digits_max < 38 ? digits_max : 38;
    }
    node->logical = LOGICAL_DECIMAL;
    node->precision = 1 + (int)rng_below(gen->rng, digits_max);
    node->scale = (int)rng_below(gen->rng, chance(gen->rng, 4) ? (uint64_t)node->precision + 1 : 3);
    node->scale = node->scale <= node->precision ? node->scale : node->precision;
    return node;
}

struct leaf_choice {
    enum writer_type type;
    enum writer_logical logical;
};

static struct random_node *make_leaf(struct generator *gen, enum mapping_kind kind) {
    static const struct {
        size_t count;
        struct leaf_choice of[8];
    } choices[] = {
        [MAPPING_TYPE] =
            {4, {{WRITER_ENUM, 0}, {WRITER_STRING, 0}, {WRITER_INT, 0}, {WRITER_STRING, 0}}},
        [MAPPING_TIME] = {6,
                          {{WRITER_LONG, LOGICAL_TIMESTAMP_MILLIS},
                           {WRITER_LONG, LOGICAL_TIMESTAMP_MICROS},
                           {WRITER_LONG, LOGICAL_TIMESTAMP_NANOS},
                           {WRITER_INT, LOGICAL_DATE},
                           {WRITER_LONG, 0},
                           {WRITER_STRING, 0}}},
        [MAPPING_TEXT] = {8,
                          {{WRITER_STRING, 0},
                           {WRITER_STRING, 0},
                           {WRITER_STRING, 0},
                           {WRITER_STRING, LOGICAL_UUID},
                           {WRITER_ENUM, 0},
                           {WRITER_LONG, 0},
                           {WRITER_INT, 0},
                           {WRITER_BYTES, 0}}},
        [MAPPING_NUMBER] = {7,
                            {{WRITER_DOUBLE, 0},
                             {WRITER_FLOAT, 0},
                             {WRITER_INT, 0},
                             {WRITER_LONG, 0},
                             {WRITER_BYTES, LOGICAL_DECIMAL},
                             {WRITER_FIXED, LOGICAL_DECIMAL},
                             {WRITER_STRING, 0}}},
        [MAPPING_CONSENT] =
            {4, {{WRITER_BOOLEAN, 0}, {WRITER_ENUM, 0}, {WRITER_STRING, 0}, {WRITER_INT, 0}}},
        [MAPPING_COUNT] = {5,
                           {{WRITER_INT, 0},
                            {WRITER_LONG, 0},
                            {WRITER_DOUBLE, 0},
                            {WRITER_FLOAT, 0},
                            {WRITER_STRING, 0}}},
    };
    const struct leaf_choice *choice = &choices[kind].of[rng_below(gen->rng, choices[kind].count)];
    struct random_node *node;
    if (choice->logical == LOGICAL_DECIMAL) {
        node = make_decimal(gen, choice->type == WRITER_FIXED);
    } else if (choice->type == WRITER_ENUM) {
        node = make_enum(gen, kind);
    } else {
        node = new_node(gen, choice->type);
        node->logical = choice->logical;
    }
    node->kind = kind;
    return node;
}

/* Types that nobody maps, and any leaf. */
static struct random_node *make_any_leaf(struct generator *gen) {
    if (chance(gen->rng, 12)) {
        static const enum writer_type odd[] = {WRITER_NULL, WRITER_BOOLEAN, WRITER_BYTES,
                                               WRITER_FIXED};
        struct random_node *node = new_node(gen, odd[rng_below(gen->rng, COUNT(odd))]);
        node->size = 1 + rng_below(gen->rng, chance(gen->rng, 10) ? 300 : 20);
        return node;
    }
    return make_leaf(gen, (enum mapping_kind)rng_below(gen->rng, MAPPING_COUNT + 1));
}

/* ---- Types of types ---- */

/* What is made until the caller takes open_count back lies in the record. */
static void begin_record(struct generator *gen, struct random_node *record) {
    assert(gen->open_count < COUNT(gen->open));
    gen->open[gen->open_count++] = record;
}

static struct random_node *make_record(struct generator *gen, int depth, size_t field_count) {
    struct random_node *record = new_node(gen, WRITER_RECORD);
    begin_record(gen, record);
    for (size_t i = 0; i < field_count; i++) {
        add_field(gen, record, make_type(gen, depth + 1));
    }
    gen->open_count--;
    return record;
}

static struct random_node *make_items(struct generator *gen, enum writer_type type,
                                      struct random_node *items) {
    struct random_node *node = new_node(gen, type);
    if (type == WRITER_MAP) {
        add_some(gen, node, keys, COUNT(keys));
    } else {
        add(node, "", NULL);
    }
    node->children[0] = items;
    return node;
}

/* GA4's way: [{key: price, value: 3.5}, ...]. */
static struct random_node *make_pairs(struct generator *gen, int depth) {
    struct random_node *pair = new_node(gen, WRITER_RECORD);
    struct random_node *key = new_node(gen, WRITER_STRING);
    add_some(gen, key, keys, COUNT(keys));
    add(pair, "key", key);
    begin_record(gen, pair);
    add(pair, "value", make_type(gen, depth + 2));
    gen->open_count--;
    shuffle_fields(gen->rng, pair);
    return make_items(gen, WRITER_ARRAY, pair);
}

static bool fits_union(const struct random_node *node, const struct random_node *branch) {
    bool fits = branch->type != WRITER_UNION;
    for (size_t i = 0; i < node->count; i++) {
        const struct random_node *other = node->children[i];
        fits = fits && other != branch && (other->type != branch->type || branch->name[0] != '\0');
    }
    return fits;
}

static struct random_node *make_optional(struct generator *gen, struct random_node *inner) {
    struct random_node *node = new_node(gen, WRITER_UNION), *null = new_node(gen, WRITER_NULL);
    bool is_null_first = !chance(gen->rng, 3);
    assert(inner->type != WRITER_UNION);
    add(node, "", is_null_first ? null : inner);
    if (inner->type != WRITER_NULL) {
        add(node, "", is_null_first ? inner : null);
    }
    return node;
}

static struct random_node *make_union(struct generator *gen, int depth) {
    struct random_node *node = new_node(gen, WRITER_UNION);
    if (chance(gen->rng, 2)) {
        struct random_node *inner = make_type(gen, depth + 1);
        return inner->type == WRITER_UNION ? inner : make_optional(gen, inner);
    }
    size_t wanted = 2 + rng_below(gen->rng, 4);
    add(node, "", make_any_leaf(gen));
    for (int i = 0; i < 8 && node->count < wanted; i++) {
        struct random_node *branch =
            chance(gen->rng, 5) ? new_node(gen, WRITER_NULL) : make_type(gen, depth + 1);
        if (fits_union(node, branch)) {
            add(node, "", branch);
        }
    }
    bool has_many = chance(gen->rng, 20);
    while (has_many && node->count < MANY_BRANCHES) {
        struct random_node *branch = new_node(gen, WRITER_FIXED);
        branch->size = rng_below(gen->rng, 3) + 1;
        add(node, "", branch);
    }
    shuffle_fields(gen->rng, node);
    return node;
}

/* A record around this type, where a value may end. */
static struct random_node *make_recursion(struct generator *gen) {
    struct random_node *record = gen->open[rng_below(gen->rng, gen->open_count)];
    switch (rng_below(gen->rng, 3)) {
    case 0:
        return make_items(gen, WRITER_ARRAY, record);
    case 1:
        return make_items(gen, WRITER_MAP, record);
    default:
        return make_optional(gen, record);
    }
}

/* A named type that is whole by now, or NULL. */
static struct random_node *find_named(struct generator *gen) {
    struct random_node *node = gen->out->nodes[rng_below(gen->rng, gen->out->node_count)];
    for (size_t i = 0; i < gen->open_count; i++) {
        if (node == gen->open[i]) {
            return NULL;
        }
    }
    return node->name[0] != '\0' ? node : NULL;
}

static struct random_node *make_type(struct generator *gen, int depth) {
    uint64_t roll = rng_below(gen->rng, 100);
    if (roll < 8) {
        struct random_node *named = find_named(gen);
        if (named) {
            return named;
        }
    }
    if (depth >= DEPTH_MAX || gen->out->node_count > NODES_WANTED || roll < 50) {
        return make_any_leaf(gen);
    }
    if (roll < 62) {
        return make_record(gen, depth, 1 + rng_below(gen->rng, 4));
    }
    if (roll < 70) {
        return make_items(gen, WRITER_ARRAY, make_type(gen, depth + 1));
    }
    if (roll < 78) {
        return make_items(gen, WRITER_MAP, make_type(gen, depth + 1));
    }
    if (roll < 82) {
        return make_pairs(gen, depth);
    }
    return roll < 96 || gen->open_count == 0 ? make_union(gen, depth) : make_recursion(gen);
}

/* ---- The whole ---- */

/* Puts the type into the record or into records within it; out_path is where. */
static void plant(struct generator *gen, struct random_node *record, struct random_node *child,
                  char *out_path, size_t path_size) {
    int length = 0;
    size_t open_count = gen->open_count;
    begin_record(gen, record);
    for (int depth = 0; depth < NEST_MAX && chance(gen->rng, 3); depth++) {
        struct random_node *inner = make_record(gen, DEPTH_MAX - 1, rng_below(gen->rng, 3));
        add_field(gen, record, inner);
        length += snprintf(out_path + length, path_size - (size_t)length, "%s.",
                           record->names[record->count - 1]);
        record = inner;
        begin_record(gen, record);
    }
    gen->open_count = open_count;
    add_field(gen, record, child);
    snprintf(out_path + length, path_size - (size_t)length, "%s", record->names[record->count - 1]);
}

static void plant_lines(struct generator *gen, struct random_node *root, char *out_id_path,
                        size_t path_size, struct random_node **out_item) {
    struct random_schema *out = gen->out;
    begin_record(gen, root); /* items lie in it: it is nothing that lies in them as it is */
    struct random_node *item = make_record(gen, DEPTH_MAX - 2, 1 + rng_below(gen->rng, 5));
    plant(gen, item, make_leaf(gen, MAPPING_TEXT), out_id_path, path_size);
    gen->open_count--;
    shuffle_fields(gen->rng, item);
    struct random_node *lines = make_items(gen, WRITER_ARRAY, item);
    if (chance(gen->rng, 3)) {
        lines = make_optional(gen, lines);
    }
    plant(gen, root, lines, out->lines_path, sizeof(out->lines_path) - 2);
    memcpy(out->lines_path + strlen(out->lines_path), "[]", 3);
    *out_item = item;
}

void random_schema_make(struct rng *rng, struct random_schema *out) {
    char time_path[RANDOM_PATH_BYTES_MAX], type_path[RANDOM_PATH_BYTES_MAX];
    char id_path[RANDOM_PATH_BYTES_MAX];
    struct random_node *item = NULL;
    random_schema_clean_up(out);
    struct generator gen = {.rng = rng, .out = out, .has_spaces = chance(rng, 2)};
    struct random_node *root = make_record(&gen, 0, 1 + rng_below(rng, 8));
    plant(&gen, root, make_leaf(&gen, MAPPING_TIME), time_path, sizeof(time_path));
    plant(&gen, root, make_leaf(&gen, MAPPING_TYPE), type_path, sizeof(type_path));
    if (!chance(rng, 3)) {
        plant_lines(&gen, root, id_path, sizeof(id_path), &item);
    }
    shuffle_fields(rng, root);
    random_schema_path_of(root, time_path, &out->paths[0]);
    random_schema_path_of(root, type_path, &out->paths[1]);
    out->path_count = 2;
    random_schema_draw_paths(rng, root, 3 * RANDOM_PATHS_MAX / 2, out->paths, &out->path_count);
    if (item) {
        random_schema_path_of(item, id_path, &out->line_paths[0]);
        out->line_path_count = 1;
        random_schema_draw_paths(rng, item, RANDOM_PATHS_MAX / 4, out->line_paths,
                                 &out->line_path_count);
    }
    root = chance(rng, 10) ? make_optional(&gen, root) : root;
    random_schema_format(rng, root, &out->text);
    out->root = root;
}

void random_schema_clean_up(struct random_schema *schema) {
    for (size_t i = 0; i < schema->node_count; i++) {
        free(schema->nodes[i]->names);
        free(schema->nodes[i]->children);
        free(schema->nodes[i]);
    }
    free(schema->nodes);
    buffer_clean_up(&schema->text);
    /* Not all of the 60 KiB. */
    schema->nodes = NULL;
    schema->node_count = schema->path_count = schema->line_path_count = 0;
    schema->lines_path[0] = '\0';
    schema->root = NULL;
}
