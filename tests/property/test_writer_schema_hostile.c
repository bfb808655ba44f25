/* writer_schema and damaged schemas: flipped and cut bytes, parts twice, parts of another schema,
 * one word for another. There is always a verdict, never a crash, and what is accepted Avro-C takes
 * as well, but for what differs() lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <avro.h>
#include <stdlib.h>

#include "schemas/schemas.h"
#include "tests/support/random_schema.h"

#define MUTANTS        40000
#define RANDOM_SCHEMAS 40
#define BASES_MAX      64
#define SEED           20240502

/* Shapes that our own schemas do not have. */
static const char *const more[] = {
    "{\"type\":\"record\",\"name\":\"tree\",\"namespace\":\"a.b\",\"fields\":[{\"name\":\"next\","
    "\"type\":[\"null\",\"tree\"]},{\"name\":\"kids\",\"type\":{\"type\":\"array\",\"items\":"
    "\"a.b.tree\"}},{\"name\":\"x\",\"type\":{\"type\":\"map\",\"values\":\"tree\"}}]}",
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"f\",\"type\":{\"type\":\"fixed\","
    "\"name\":\"c.f\",\"size\":9,\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}},"
    "{\"name\":\"g\",\"aliases\":[\"h\"],\"type\":\"c.f\"},{\"name\":\"u\",\"type\":[\"int\","
    "\"long\",\"null\",\"string\",{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}]}]}",
};

static const char *const tokens[] = {
    "\"int\"",     "\"long\"",    "\"null\"",     "\"string\"",  "\"record\"",
    "\"enum\"",    "\"fixed\"",   "\"array\"",    "\"map\"",     "\"name\"",
    "\"type\"",    "\"fields\"",  "\"items\"",    "\"symbols\"", "\"size\"",
    "\"values\"",  "\"aliases\"", "\"a.b.tree\"", "\"event\"",   "\"\"",
    "\".\"",       "[]",          "{}",           "null",        "-1",
    "0",           "4000000000",  "1e999",        "\"r\"",       "\"namespace\"",
    "[\"null\",",  "{\"type\":",  "\"\\u0000\"",  "\"double\"",  "\"logicalType\"",
    "\"decimal\"",
};

struct bases {
    struct bytes texts[BASES_MAX];
    size_t count;
};

static struct bytes part_of(struct rng *rng, struct bytes text) {
    size_t start = rng_below(rng, text.size + 1);
    size_t left = text.size - start, most = rng_below(rng, 4) == 0 ? left : left < 40 ? left : 40;
    return bytes_of(text.data + start, rng_below(rng, most + 1));
}

/* Where a word in quotes starts and ends; empty at the end if there is none behind from. */
static struct bytes word_behind(struct bytes text, size_t from) {
    const uint8_t *end = text.data + text.size;
    const uint8_t *first = memchr(text.data + from, '"', text.size - from);
    const uint8_t *last = first ? memchr(first + 1, '"', (size_t)(end - first) - 1) : NULL;
    return last ? bytes_of(first, (size_t)(last - first) + 1) : bytes_of(end, 0);
}

/* out = text with the part replaced. */
static void replace(struct bytes text, struct bytes part, struct bytes by, struct buffer *out) {
    size_t start = (size_t)(part.data - text.data);
    buffer_clear(out);
    buffer_append(out, bytes_of(text.data, start));
    buffer_append(out, by);
    buffer_append(out, bytes_of(part.data + part.size, text.size - start - part.size));
}

static void mutate(struct rng *rng, const struct bases *bases, struct bytes text,
                   struct buffer *out) {
    struct bytes other = bases->texts[rng_below(rng, bases->count)];
    struct bytes place = bytes_of(part_of(rng, text).data, 0);
    struct bytes word = word_behind(text, rng_below(rng, text.size + 1));
    struct bytes token = bytes_of_text(tokens[rng_below(rng, sizeof(tokens) / sizeof(*tokens))]);
    switch (rng_below(rng, 8)) {
    case 0:
        replace(text, place, (struct bytes){0}, out);
        if (out->size > 0) {
            out->data[rng_below(rng, out->size)] ^= (uint8_t)(1 << rng_below(rng, 8));
        }
        return;
    case 1:
        replace(text, bytes_of(place.data, (size_t)(text.data + text.size - place.data)),
                (struct bytes){0}, out);
        return;
    case 2:
        replace(text, part_of(rng, text), (struct bytes){0}, out);
        return;
    case 3:
        replace(text, place, part_of(rng, other), out);
        return;
    case 4:
        replace(text, place, token, out);
        return;
    case 5:
        replace(text, word, token, out);
        return;
    default:
        replace(text, word, word_behind(other, rng_below(rng, other.size + 1)), out);
    }
}

/* Why Avro-C may refuse what we accept: names with letters other than A-Z, a-z, 0-9 and _ (the
 * header says that we do not look), and {"type": {"type": "int"}}, a type once more in brackets,
 * which other implementations read. Nothing else was there in 1.5 million mutants. */
static bool differs(const char *message) {
    return strcmp(message, "Invalid Avro identifier") == 0 ||
           strcmp(message, "\"type\" field must be a string") == 0;
}

static bool avro_c_takes(struct bytes text) {
    avro_schema_t schema;
    if (avro_schema_from_json_length((const char *)text.data, text.size, &schema)) {
        return false;
    }
    avro_schema_decref(schema);
    return true;
}

/* 1 if it is accepted. */
static int check(struct bytes text) {
    /* In a block of its size, so that ASan sees the first byte read beyond it. */
    uint8_t *copy = memory_new(text.size, 1);
    struct writer_schema *schema;
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    struct failure failure = writer_schema_parse(bytes_of(copy, text.size), &schema);
    assert_int_equal(failed(failure), schema == NULL);
    if (failed(failure)) {
        assert_int_equal(failure.action, FAILURE_STOP);
        assert_memory_equal(failure.text, "at ", 3);
        assert_non_null(strstr(failure.text, ": found "));
    } else if (!avro_c_takes(text) && !differs(avro_strerror())) {
        print_error("Avro-C: %s\n%.*s\n", avro_strerror(), BYTES_ARG(text));
        fail();
    }
    free(copy);
    writer_schema_destroy(schema);
    return !failed(failure);
}

static void every_mutant_has_a_verdict(void **state) {
    (void)state;
    struct bases bases = {0};
    struct random_schema *random = memory_new(RANDOM_SCHEMAS, sizeof(*random));
    struct buffer mutant = {0}, next = {0};
    struct rng rng = rng_make(SEED, 0);
    size_t accepted = 0;
    for (const struct schema_text *text = schema_texts; text->name; text++) {
        bases.texts[bases.count++] = bytes_of_text(text->text);
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        bases.texts[bases.count++] = bytes_of_text(more[i]);
    }
    for (size_t i = 0; i < RANDOM_SCHEMAS; i++) {
        random_schema_make(&rng, &random[i]);
        bases.texts[bases.count++] = buffer_bytes(&random[i].text);
    }
    for (int i = 0; i < MUTANTS; i++) {
        mutate(&rng, &bases, bases.texts[rng_below(&rng, bases.count)], &mutant);
        for (uint64_t more_often = rng_below(&rng, 3); more_often > 0; more_often--) {
            mutate(&rng, &bases, buffer_bytes(&mutant), &next);
            struct buffer swapped = mutant;
            mutant = next;
            next = swapped;
        }
        accepted += (size_t)check(buffer_bytes(&mutant));
    }
    print_message("%zu of %d mutants are schemas\n", accepted, MUTANTS);
    assert_true(accepted > MUTANTS / 50);
    assert_true(accepted < MUTANTS / 2);
    for (size_t i = 0; i < RANDOM_SCHEMAS; i++) {
        random_schema_clean_up(&random[i]);
    }
    free(random);
    buffer_clean_up(&mutant);
    buffer_clean_up(&next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mutant_has_a_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
