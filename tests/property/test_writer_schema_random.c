/* writer_schema against Avro-C: of random schemas both keep the same tree, and random values of
 * them are what Avro-C reads, in whatever blocks they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/avro_oracle.h"
#include "tests/support/random_schema.h"

#define SCHEMAS         3000
#define VALUES_EACH     4
#define RECORDS_MAX     1000
#define SEED            20240501
#define STREAM_OF(i, n) ((uint64_t)(i)*100 + (uint64_t)(n))

/* ---- The same tree ---- */

static const enum writer_type types_of_avro_c[] = {
    [AVRO_STRING] = WRITER_STRING,   [AVRO_BYTES] = WRITER_BYTES, [AVRO_INT32] = WRITER_INT,
    [AVRO_INT64] = WRITER_LONG,      [AVRO_FLOAT] = WRITER_FLOAT, [AVRO_DOUBLE] = WRITER_DOUBLE,
    [AVRO_BOOLEAN] = WRITER_BOOLEAN, [AVRO_NULL] = WRITER_NULL,   [AVRO_RECORD] = WRITER_RECORD,
    [AVRO_ENUM] = WRITER_ENUM,       [AVRO_FIXED] = WRITER_FIXED, [AVRO_MAP] = WRITER_MAP,
    [AVRO_ARRAY] = WRITER_ARRAY,     [AVRO_UNION] = WRITER_UNION,
};

static void compare(const struct writer_node *node, avro_schema_t other, bool *seen);

static void compare_record(const struct writer_node *node, avro_schema_t other, bool *seen) {
    assert_true(node->record_index < RECORDS_MAX);
    if (seen[node->record_index]) {
        return;
    }
    seen[node->record_index] = true;
    assert_int_equal(node->count, avro_schema_record_size(other));
    for (size_t i = 0; i < node->count; i++) {
        const char *name = avro_schema_record_field_name(other, (int)i);
        assert_true(bytes_equal(node->fields[i].name, bytes_of_text(name)));
        compare(node->fields[i].type, avro_schema_record_field_get_by_index(other, (int)i), seen);
    }
}

static void compare(const struct writer_node *node, avro_schema_t other, bool *seen) {
    if (is_avro_link(other)) {
        other = avro_schema_link_target(other);
    }
    assert_int_equal(node->type, types_of_avro_c[avro_typeof(other)]);
    if (node->name.size > 0) {
        struct bytes name = bytes_of_text(avro_schema_name(other));
        assert_true(bytes_equal(writer_short_name(node->name), name));
    }
    switch (node->type) {
    case WRITER_RECORD:
        compare_record(node, other, seen);
        break;
    case WRITER_ENUM:
        for (size_t i = 0; i < node->count; i++) {
            struct bytes symbol = bytes_of_text(avro_schema_enum_get(other, (int)i));
            assert_true(bytes_equal(node->symbols[i], symbol));
        }
        break;
    case WRITER_FIXED:
        assert_int_equal(node->size, avro_schema_fixed_size(other));
        break;
    case WRITER_ARRAY:
        compare(node->items, avro_schema_array_items(other), seen);
        break;
    case WRITER_MAP:
        compare(node->items, avro_schema_map_values(other), seen);
        break;
    case WRITER_UNION:
        assert_int_equal(node->count, avro_schema_union_size(other));
        for (size_t i = 0; i < node->count; i++) {
            compare(node->branches[i], avro_schema_union_branch(other, (int)i), seen);
        }
        break;
    default:
        break;
    }
}

/* ---- Random schemas ---- */

/* What the schemas must have had between them. */
struct coverage {
    size_t types[WRITER_RECORD + 1], logicals[LOGICAL_UUID + 1], kinds[MAPPING_COUNT + 1];
    size_t paths, branches, mixed, lines, roots_optional, recursive, two_byte_branches;
    size_t bytes, split;
};

static void count_nodes(const struct writer_node *node, struct coverage *coverage, bool *open,
                        bool *seen) {
    coverage->types[node->type]++;
    coverage->logicals[node->logical]++;
    if (node->type == WRITER_RECORD) {
        coverage->recursive += open[node->record_index];
        if (seen[node->record_index]) {
            return;
        }
        seen[node->record_index] = open[node->record_index] = true;
        for (size_t i = 0; i < node->count; i++) {
            count_nodes(node->fields[i].type, coverage, open, seen);
        }
        open[node->record_index] = false;
    } else if (node->type == WRITER_UNION) {
        coverage->two_byte_branches += node->count > 64;
        for (size_t i = 0; i < node->count; i++) {
            count_nodes(node->branches[i], coverage, open, seen);
        }
    } else if (node->type == WRITER_ARRAY || node->type == WRITER_MAP) {
        count_nodes(node->items, coverage, open, seen);
    }
}

static void count_paths(const struct random_path *paths, size_t count, struct coverage *coverage) {
    for (size_t i = 0; i < count; i++) {
        coverage->kinds[paths[i].kind]++;
        coverage->branches += paths[i].is_branch;
        coverage->mixed += paths[i].leaf_count > 1;
        assert_true(paths[i].leaf_count > 0 || paths[i].is_branch);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(paths[i].text, paths[j].text);
        }
    }
    coverage->paths += count;
}

static void check_promises(const struct random_schema *schema) {
    assert_true(schema->path_count >= 2);
    assert_true(schema->paths[0].is_always_there && schema->paths[0].kind == MAPPING_TIME);
    assert_true(schema->paths[1].is_always_there && schema->paths[1].kind == MAPPING_TYPE);
    assert_int_equal(schema->lines_path[0] != '\0', schema->line_path_count > 0);
    if (schema->line_path_count > 0) {
        assert_true(schema->line_paths[0].is_always_there);
        assert_int_equal(schema->line_paths[0].kind, MAPPING_TEXT);
    }
}

static void must_write(struct avro_oracle *oracle, struct bytes body, struct bytes expected) {
    struct buffer again = {0};
    assert_true(avro_oracle_read(oracle, body));
    avro_oracle_write(oracle, &again);
    assert_true(bytes_equal(buffer_bytes(&again), expected));
    buffer_clean_up(&again);
}

static void check_values(const struct random_schema *schema, const struct writer_schema *tree,
                         struct avro_oracle *oracle, uint64_t seed, struct coverage *coverage) {
    struct buffer plain = {0}, split = {0};
    for (int i = 0; i < VALUES_EACH; i++) {
        struct rng values = rng_make(SEED, STREAM_OF(seed, i + 1)), same = values;
        struct rng blocks = rng_make(SEED, STREAM_OF(seed, i + 50));
        buffer_clear(&plain);
        buffer_clear(&split);
        random_schema_write_value(schema, &values, NULL, &plain);
        random_schema_write_value(schema, &same, &blocks, &split);
        assert_true(plain.size >= tree->root->least_bytes);
        /* Avro-C writes one block each, too. */
        must_write(oracle, buffer_bytes(&plain), buffer_bytes(&plain));
        must_write(oracle, buffer_bytes(&split), buffer_bytes(&plain));
        coverage->bytes += plain.size;
        coverage->split += !bytes_equal(buffer_bytes(&plain), buffer_bytes(&split));
    }
    buffer_clean_up(&plain);
    buffer_clean_up(&split);
}

static void check_schema(uint64_t seed, struct random_schema *schema, struct coverage *coverage) {
    struct rng rng = rng_make(SEED, STREAM_OF(seed, 0));
    struct writer_schema *tree;
    struct avro_oracle oracle;
    bool seen[RECORDS_MAX] = {0}, open[RECORDS_MAX] = {0}, counted[RECORDS_MAX] = {0};
    random_schema_make(&rng, schema);
    struct failure failure = writer_schema_parse(buffer_bytes(&schema->text), &tree);
    if (failed(failure)) {
        print_error("%s\n%.*s\n", failure.text, BYTES_ARG(buffer_bytes(&schema->text)));
        fail();
    }
    avro_oracle_init_text(&oracle, buffer_bytes(&schema->text));
    compare(tree->root, oracle.schema, seen);
    check_promises(schema);
    check_values(schema, tree, &oracle, seed, coverage);
    count_nodes(tree->root, coverage, open, counted);
    count_paths(schema->paths, schema->path_count, coverage);
    count_paths(schema->line_paths, schema->line_path_count, coverage);
    coverage->lines += schema->line_path_count > 0;
    coverage->roots_optional += tree->root->type == WRITER_UNION;
    avro_oracle_clean_up(&oracle);
    writer_schema_destroy(tree);
}

static void trees_and_values_are_avro_cs(void **state) {
    (void)state;
    struct random_schema *schema = memory_new(1, sizeof(*schema));
    struct coverage coverage = {0};
    for (uint64_t i = 0; i < SCHEMAS; i++) {
        check_schema(i, schema, &coverage);
    }
    random_schema_clean_up(schema);
    free(schema);
    for (size_t i = 0; i <= WRITER_RECORD; i++) {
        assert_true(coverage.types[i] > SCHEMAS / 10);
    }
    for (size_t i = 0; i <= LOGICAL_UUID; i++) {
        assert_true(coverage.logicals[i] > SCHEMAS / 10);
    }
    for (size_t i = 0; i <= MAPPING_COUNT; i++) {
        assert_true(coverage.kinds[i] > SCHEMAS);
    }
    print_message("a schema has %.1f paths, a value %.0f bytes\n", (double)coverage.paths / SCHEMAS,
                  (double)coverage.bytes / SCHEMAS / VALUES_EACH);
    assert_true(coverage.branches > SCHEMAS / 10);
    assert_true(coverage.mixed > SCHEMAS / 2);
    assert_true(coverage.lines > SCHEMAS / 2);
    assert_true(coverage.roots_optional > SCHEMAS / 20);
    assert_true(coverage.recursive > SCHEMAS / 20);
    assert_true(coverage.two_byte_branches > SCHEMAS / 50);
    assert_true(coverage.split > SCHEMAS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_and_values_are_avro_cs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
