#include "base/config.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/config_internal.h"
#include "base/hash.h"

struct config {
    struct config_memory memory;
    uint64_t fingerprint;
};

/* ---- memory ---- */

struct config_block {
    struct config_block *next;
    max_align_t bytes[];
};

void *config_memory_take(struct config_memory *memory, size_t count, size_t size) {
    size_t bytes;
    bool is_too_much = __builtin_mul_overflow(count, size, &bytes);
    assert(!is_too_much && bytes <= SIZE_MAX / 2);
    struct config_block *block = memory_new(1, sizeof *block + bytes);
    block->next = memory->blocks;
    memory->blocks = block;
    return block->bytes;
}

char *config_memory_copy(struct config_memory *memory, struct bytes text) {
    char *copy = config_memory_take(memory, text.size + 1, 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return copy;
}

void config_memory_clean_up(struct config_memory *memory) {
    while (memory->blocks) {
        struct config_block *block = memory->blocks;
        memory->blocks = block->next;
        free(block);
    }
}

/* ---- the file as a whole ---- */

static const struct config_node *find_section(const struct config_node *root, const char *name) {
    for (const struct config_node *node = root->first; node; node = node->next) {
        if (strcmp(node->name, name) == 0) {
            return node;
        }
    }
    return NULL;
}

static void refuse_unknown_sections(struct config_binding *binding, const struct config_node *root,
                                    const struct config_room *rooms, size_t room_count) {
    const char **names = memory_new(room_count, sizeof(const char *));
    for (size_t i = 0; i < room_count; i++) {
        names[i] = rooms[i].section;
    }
    for (const struct config_node *node = root->first; node; node = node->next) {
        bool is_known = false;
        for (size_t i = 0; i < room_count && !is_known; i++) {
            is_known = strcmp(names[i], node->name) == 0;
        }
        if (!is_known && !node->is_refused) {
            struct config_path path = {.name = node->name};
            config_bind_unknown(binding, node, &path, names, room_count);
        }
    }
    free(names);
}

static void bind_rooms(struct config_binding *binding, const struct config_node *root,
                       const struct config_room *rooms, size_t room_count) {
    if (root->kind != CONFIG_NODE_MAPPING && !root->is_null) {
        config_errors_add(binding->errors, root->line, NULL, "found %s, expected sections",
                          config_node_kind_name(root));
        return;
    }
    for (size_t i = 0; i < room_count; i++) {
        const struct config_node *section = find_section(root, rooms[i].section);
        struct config_path path = {.name = rooms[i].section};
        config_bind_table(binding, rooms[i].table, section, section ? section->line : 1, &path,
                          rooms[i].target);
    }
    refuse_unknown_sections(binding, root, rooms, room_count);
}

struct failure config_load_text(const char *name, const char *text, size_t size,
                                const struct config_room *rooms, size_t room_count, FILE *errors,
                                struct config **out) {
    *out = NULL;
    struct config *config = memory_new(1, sizeof *config);
    config->fingerprint = hash64(bytes_of(text, size), 0);
    struct config_memory tree = {0};
    struct config_errors found = {0};
    const struct config_node *root = config_yaml_parse(text, size, &tree, &found);
    if (root) {
        struct config_binding binding = {.memory = &config->memory, .errors = &found};
        bind_rooms(&binding, root, rooms, room_count);
    }
    config_errors_print(&found, name, errors);
    size_t error_count = found.count;
    config_errors_clean_up(&found);
    config_memory_clean_up(&tree);
    if (error_count > 0) {
        config_destroy(config);
        return failure_make(FAILURE_STOP, 0, "%s: %zu error%s", name, error_count,
                            error_count == 1 ? "" : "s");
    }
    *out = config;
    return failure_none();
}

/* One byte more than is allowed, so that too long a file is seen as such. */
static int read_all(FILE *file, struct buffer *out) {
    while (out->size <= CONFIG_TEXT_MAX) {
        size_t wanted = CONFIG_TEXT_MAX + 1 - out->size;
        wanted = wanted < 65536 ? wanted : 65536;
        size_t size = fread(buffer_reserve(out, wanted), 1, wanted, file);
        out->size += size;
        if (size < wanted) {
            return ferror(file) ? errno : 0;
        }
    }
    return 0;
}

struct failure config_load_file(const char *path, const struct config_room *rooms,
                                size_t room_count, FILE *errors, struct config **out) {
    *out = NULL;
    FILE *file = fopen(path, "re");
    struct buffer text;
    buffer_init(&text, 65536);
    int error = file ? read_all(file, &text) : errno;
    if (file) {
        fclose(file);
    }
    struct failure failure;
    if (error) {
        fprintf(errors, "%s:1: found no readable file (%s), expected YAML\n", path,
                strerror(error));
        failure = failure_make(FAILURE_STOP, error, "%s: 1 error", path);
    } else {
        failure = config_load_text(path, (const char *)text.data, text.size, rooms, room_count,
                                   errors, out);
    }
    buffer_clean_up(&text);
    return failure;
}

void config_destroy(struct config *config) {
    if (!config) {
        return;
    }
    config_memory_clean_up(&config->memory);
    free(config);
}

uint64_t config_fingerprint(const struct config *config) {
    return config->fingerprint;
}
