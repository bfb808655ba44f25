/* YAML text into a tree, from libyaml's events.
 *
 * The event parser is used because libyaml's document loader recurses, resolves aliases and hides
 * line numbers. Nothing here recurses: open lists and sections stand in an array, one frame each,
 * so hostile nesting meets a limit and not the end of the stack. A frame's path lends from the
 * frame below it, hence frames never move. */
#include "base/config_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <yaml.h>

#define TAG_LINES_MAX 100

struct frame {
    struct config_node *node;  /* a list or a section that is still open */
    struct config_node **tail; /* where its next child is hung */
    struct config_node *key;   /* of a section: the key whose value comes next, or NULL */
    struct config_path path;   /* of the child that is being read */
};

struct reader {
    yaml_parser_t parser;
    const char *text;
    size_t size;
    struct config_memory *memory;
    struct config_errors *errors;
    struct frame frames[CONFIG_DEPTH_MAX];
    size_t depth;      /* frames in use */
    size_t node_count; /* keys count too */
    size_t document_count;
    struct config_node *root;
    bool is_stopped; /* the rest cannot be understood, the error is kept */
};

static size_t line_of(const yaml_mark_t *mark) {
    return mark->line + 1;
}

static const struct config_path *current_path(const struct reader *reader) {
    if (reader->depth == 0) {
        return NULL;
    }
    const struct frame *top = &reader->frames[reader->depth - 1];
    bool is_named = top->node->kind == CONFIG_NODE_SEQUENCE || top->key;
    return is_named ? &top->path : top->path.parent;
}

static void stop(struct reader *reader, size_t line, const char *found, const char *expected) {
    config_errors_add(reader->errors, line, current_path(reader), "found %s, expected %s", found,
                      expected);
    reader->is_stopped = true;
}

const char *config_node_kind_name(const struct config_node *node) {
    switch (node->kind) {
    case CONFIG_NODE_SCALAR:
        return node->is_null ? "nothing" : "text";
    case CONFIG_NODE_SEQUENCE:
        return "a list";
    case CONFIG_NODE_MAPPING:
        return "a section";
    }
    assert(!"unknown kind of node");
    return "";
}

static bool means_nothing(const char *text) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- hanging nodes into the tree ---- */

static struct config_node *new_node(struct reader *reader, enum config_node_kind kind,
                                    const yaml_mark_t *mark) {
    if (++reader->node_count > CONFIG_NODES_MAX) {
        stop(reader, line_of(mark), "more than 20000 values", "a smaller file");
        return NULL;
    }
    struct config_node *node = config_memory_take(reader->memory, 1, sizeof *node);
    node->kind = kind;
    node->line = line_of(mark);
    return node;
}

/* The next of a section's nodes is a key when no key waits for its value. */
static bool is_key_due(const struct reader *reader) {
    if (reader->depth == 0) {
        return false;
    }
    const struct frame *top = &reader->frames[reader->depth - 1];
    return top->node->kind == CONFIG_NODE_MAPPING && !top->key;
}

static void hang(struct reader *reader, struct config_node *node) {
    if (reader->depth == 0) {
        reader->root = node;
        return;
    }
    struct frame *top = &reader->frames[reader->depth - 1];
    if (top->key) {
        node->name = top->key->text;
        node->line = top->key->line;
        node->is_refused |= top->key->is_refused;
        top->key = NULL;
    }
    *top->tail = node;
    top->tail = &node->next;
    node->index = top->node->count++;
    top->path.index = top->node->count;
}

static void take_key(struct reader *reader, struct config_node *node) {
    struct frame *top = &reader->frames[reader->depth - 1];
    top->key = node;
    top->path.name = node->text;
}

static void open_frame(struct reader *reader, struct config_node *node) {
    if (reader->depth == CONFIG_DEPTH_MAX) {
        stop(reader, node->line, "more than 16 levels of nesting", "at most 16");
        return;
    }
    const struct config_path *parent = current_path(reader);
    struct frame *frame = &reader->frames[reader->depth];
    *frame = (struct frame){.node = node, .tail = &node->first, .path = {.parent = parent}};
    reader->depth++;
}

/* ---- keys that stand twice ---- */

static int compare_names(const void *left, const void *right) {
    const struct config_node *a = *(struct config_node *const *)left;
    const struct config_node *b = *(struct config_node *const *)right;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

static void refuse_duplicates(struct reader *reader, struct config_node *section,
                              const struct config_path *parent) {
    if (section->count < 2) {
        return;
    }
    struct config_node **nodes = memory_new(section->count, sizeof(struct config_node *));
    size_t count = 0;
    for (struct config_node *node = section->first; node; node = node->next) {
        nodes[count++] = node;
    }
    qsort(nodes, count, sizeof(struct config_node *), compare_names);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(nodes[i]->name, nodes[first]->name) != 0) {
            first = i;
            continue;
        }
        struct config_path path = {.parent = parent, .name = nodes[i]->name};
        config_errors_add(reader->errors, nodes[i]->line, &path,
                          "found the key again, expected it once (first on line %zu)",
                          nodes[first]->line);
        nodes[i]->is_refused = true;
    }
    free(nodes);
}

static void close_frame(struct reader *reader) {
    assert(reader->depth > 0);
    struct frame *top = &reader->frames[reader->depth - 1];
    if (top->node->kind == CONFIG_NODE_MAPPING) {
        refuse_duplicates(reader, top->node, top->path.parent);
    }
    struct config_node *node = top->node;
    reader->depth--;
    hang(reader, node);
}

/* ---- events ---- */

/* Anchors and tags change what a value means; the value is still checked by its plain meaning. */
static void refuse_marks(struct reader *reader, const yaml_event_t *event,
                         const yaml_char_t *anchor, const yaml_char_t *tag) {
    size_t line = line_of(&event->start_mark);
    if (anchor) {
        config_errors_add(reader->errors, line, current_path(reader),
                          "found an anchor (&), expected a plain value");
    }
    if (tag) {
        config_errors_add(reader->errors, line, current_path(reader),
                          "found a tag (!), expected a plain value");
    }
}

static void on_scalar(struct reader *reader, const yaml_event_t *event) {
    const yaml_char_t *value = event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct config_node *node = new_node(reader, CONFIG_NODE_SCALAR, &event->start_mark);
    if (!node) {
        return;
    }
    node->text = config_memory_copy(reader->memory, bytes_of(value, length));
    bool is_key = is_key_due(reader);
    if (is_key) {
        take_key(reader, node);
    }
    refuse_marks(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(value, 0, length)) {
        config_errors_add(reader->errors, node->line, current_path(reader),
                          "found a NUL byte, expected text");
        node->is_refused = true;
    }
    node->is_null =
        event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && means_nothing(node->text);
    if (!is_key) {
        hang(reader, node);
    }
}

static void on_alias(struct reader *reader, const yaml_event_t *event) {
    struct config_node *node = new_node(reader, CONFIG_NODE_SCALAR, &event->start_mark);
    if (!node) {
        return;
    }
    const char *name = (const char *)event->data.alias.anchor;
    node->text = config_memory_copy(reader->memory, bytes_of_text(name));
    node->is_refused = true;
    config_errors_add(reader->errors, node->line, current_path(reader),
                      "found an alias (*), expected the value itself");
    if (is_key_due(reader)) {
        take_key(reader, node);
    } else {
        hang(reader, node);
    }
}

static void on_start(struct reader *reader, const yaml_event_t *event, enum config_node_kind kind) {
    struct config_node *node = new_node(reader, kind, &event->start_mark);
    if (!node) {
        return;
    }
    if (is_key_due(reader)) {
        stop(reader, node->line,
             kind == CONFIG_NODE_MAPPING ? "a section as a key" : "a list as a key",
             "text as a key");
        return;
    }
    bool is_sequence = kind == CONFIG_NODE_SEQUENCE;
    refuse_marks(reader, event,
                 is_sequence ? event->data.sequence_start.anchor : event->data.mapping_start.anchor,
                 is_sequence ? event->data.sequence_start.tag : event->data.mapping_start.tag);
    open_frame(reader, node);
}

static void on_event(struct reader *reader, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++reader->document_count > 1) {
            stop(reader, line_of(&event->start_mark), "a second document", "one document");
        }
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(reader, event);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(reader, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_start(reader, event, CONFIG_NODE_SEQUENCE);
        break;
    case YAML_MAPPING_START_EVENT:
        on_start(reader, event, CONFIG_NODE_MAPPING);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_frame(reader);
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

/* libyaml gives a place in bytes for what is not text at all, and a line for the rest. */
static void keep_parser_error(struct reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "no reason given";
    if (parser->error == YAML_READER_ERROR) {
        size_t line = 1;
        for (size_t i = 0; i < parser->problem_offset && i < reader->size; i++) {
            line += reader->text[i] == '\n';
        }
        config_errors_add(reader->errors, line, NULL,
                          "found bytes that are not text (%s), expected UTF-8", problem);
        return;
    }
    size_t line = line_of(&parser->problem_mark);
    if (parser->context) {
        config_errors_add(reader->errors, line, NULL,
                          "found a mistake (%s, %s of line %zu), expected YAML", problem,
                          parser->context, line_of(&parser->context_mark));
    } else {
        config_errors_add(reader->errors, line, NULL, "found a mistake (%s), expected YAML",
                          problem);
    }
}

static void read_events(struct reader *reader) {
    bool is_over = false;
    while (!is_over && !reader->is_stopped) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) {
            assert(reader->parser.error != YAML_MEMORY_ERROR);
            keep_parser_error(reader);
            reader->is_stopped = true;
            break;
        }
        is_over = event.type == YAML_STREAM_END_EVENT;
        on_event(reader, &event);
        yaml_event_delete(&event);
    }
}

/* libyaml compares each %TAG line with all before it: 1 MiB of them takes it ten seconds. */
static bool has_many_tag_lines(const char *text, size_t size) {
    static const char mark[] = "%TAG";
    const char *end = text + size;
    size_t count = 0;
    for (const char *at = text; at && at < end && count <= TAG_LINES_MAX; count++) {
        at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1);
        if (!at) {
            return false;
        }
        at += sizeof mark - 1;
    }
    return count > TAG_LINES_MAX;
}

struct config_node *config_yaml_parse(const char *text, size_t size, struct config_memory *memory,
                                      struct config_errors *errors) {
    struct reader *reader = memory_new(1, sizeof *reader);
    *reader = (struct reader){.text = text, .size = size, .memory = memory, .errors = errors};
    if (size > CONFIG_TEXT_MAX) {
        stop(reader, 1, "more than 1 MiB of text", "at most 1 MiB");
    } else if (has_many_tag_lines(text, size)) {
        stop(reader, 1, "many %TAG lines", "no tags");
    } else {
        int made = yaml_parser_initialize(&reader->parser);
        assert(made && "out of memory");
        /* Stated, so that a byte order mark cannot turn the text into UTF-16. */
        yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, size);
        read_events(reader);
        yaml_parser_delete(&reader->parser);
    }
    struct config_node *root = reader->is_stopped ? NULL : reader->root;
    if (!reader->is_stopped && !root) {
        root = new_node(reader, CONFIG_NODE_SCALAR, &(yaml_mark_t){0});
        root->text = "";
        root->is_null = true;
    }
    free(reader);
    return root;
}
