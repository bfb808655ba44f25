/* avro_plan against Avro-C: over random schemas, mappings and values the decoded event is what a
 * plain walk over Avro-C's generic value finds along the same paths. PROMOSTREAM_TESTS=full runs
 * five times as many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/avro_scene.h"
#include "tests/support/avro_walker.h"
#include "tests/support/random_event.h"
#include "tests/support/random_mapping.h"

#define SCHEMAS         1500
#define VALUES          80 /* of each schema */
#define SEED            20251125
#define PAIRS_LEAST     100000
#define EVENTS_OF_PAIRS 0.5 /* at least so many are good events: the others test less */

/* Decimals beyond 2^53 are rounded twice: within two units in the last place. */
static double settle(double ours, double theirs) {
    return fabs(ours - theirs) <= 4.5e-16 * fabs(theirs) ? theirs : ours;
}

static void settle_decimals(struct event *ours, const struct event *theirs) {
    ours->total = settle(ours->total, theirs->total);
    for (size_t i = 0; i < ours->line_count && i < theirs->line_count; i++) {
        ours->lines[i].price = settle(ours->lines[i].price, theirs->lines[i].price);
    }
}

struct tally {
    size_t pairs, events, lines;
};

static void print_case(const struct random_schema *schema, const struct buffer *section,
                       struct avro_oracle *oracle) {
    char *json = avro_oracle_json(oracle);
    fprintf(stderr, "schema: %.*s\n%s\nvalue: %s\n", BYTES_ARG(buffer_bytes(&schema->text)),
            (const char *)section->data, json); /* longer than print_error takes */
    free(json);
}

static bool agrees(struct avro_scene *scene, struct avro_walker *walker, struct bytes body,
                   struct tally *tally) {
    enum event_verdict verdict = avro_scene_decode(scene, body);
    tally->pairs++;
    if (verdict != EVENT_OK || walker->verdicts != 0) {
        bool is_expected = verdict != EVENT_OK && (walker->verdicts >> verdict & 1);
        if (!is_expected) {
            print_error("verdict %s, expected bits %x\n", event_verdict_name(verdict),
                        walker->verdicts);
        }
        return is_expected;
    }
    settle_decimals(&scene->event, &walker->event);
    tally->events++;
    tally->lines += scene->event.line_count;
    return events_equal(&scene->event, &walker->event);
}

/* Ours or theirs, as text; for a failing case. */
static void print_event(const char *who, const struct event *event) {
    print_error("%s: %s at %lld, user \"%.*s\", total %.17g, consent %d\n", who,
                event_type_name(event->type), (long long)event->event_ms, BYTES_ARG(event->user_id),
                event->total, (int)event->consent);
    for (const struct event_text_field *field = event_text_fields; field->name; field++) {
        print_error("  %s \"%.*s\"\n", field->name, BYTES_ARG(*event_text(event, field)));
    }
    for (size_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        print_error("  line \"%.*s\" \"%.*s\" \"%.*s\" %.17g %d\n", BYTES_ARG(line->item_id),
                    BYTES_ARG(line->category), BYTES_ARG(line->brand), line->price, line->quantity);
    }
}

static void compare(const struct random_schema *schema, struct rng *rng, struct avro_walker *walker,
                    struct tally *tally) {
    struct buffer section = {0}, text = {0}, body = {0};
    struct avro_oracle oracle;
    random_mapping_write(rng, schema, &section);
    buffer_append(&text, buffer_bytes(&schema->text));
    buffer_append_byte(&text, 0);
    struct avro_scene *scene = avro_scene_new((char *)text.data, (char *)section.data);
    avro_oracle_init_text(&oracle, buffer_bytes(&schema->text));
    if (!scene->plan) {
        print_error("%s\n%s\n%s\n", scene->failure.text, (char *)text.data, (char *)section.data);
    }
    assert_non_null(scene->plan);
    walker->mapping = scene->mapping;
    walker->schema = scene->schema;
    for (int i = 0; i < VALUES; i++) {
        struct rng values = rng_make(rng_u64(rng), 0), blocks = rng_make(rng_u64(rng), 1);
        buffer_clear(&body);
        random_schema_write_value(schema, &values, &blocks, &body);
        assert_true(avro_oracle_read(&oracle, buffer_bytes(&body)));
        avro_walker_read(walker, &oracle.value);
        if (!agrees(scene, walker, buffer_bytes(&body), tally)) {
            print_event("ours", &scene->event);
            print_event("theirs", &walker->event);
            print_case(schema, &section, &oracle);
            fail();
        }
    }
    avro_oracle_clean_up(&oracle);
    avro_scene_destroy(scene);
    buffer_clean_up(&section);
    buffer_clean_up(&text);
    buffer_clean_up(&body);
}

static void decodes_what_avro_c_reads(void **state) {
    (void)state;
    const char *mode = getenv("PROMOSTREAM_TESTS");
    int schemas = mode && strcmp(mode, "full") == 0 ? 5 * SCHEMAS : SCHEMAS;
    struct random_schema *schema = memory_new(1, sizeof(*schema));
    struct avro_walker *walker = memory_new(1, sizeof(*walker));
    struct rng rng = rng_make(SEED, 0);
    struct tally tally = {0};
    for (int i = 0; i < schemas; i++) {
        random_schema_make(&rng, schema);
        compare(schema, &rng, walker, &tally);
    }
    random_schema_clean_up(schema);
    free(schema);
    free(walker);
    print_message("%zu pairs, of them %zu events with %zu lines\n", tally.pairs, tally.events,
                  tally.lines);
    assert_true(tally.pairs >= PAIRS_LEAST);
    assert_true((double)tally.events >= EVENTS_OF_PAIRS * (double)tally.pairs);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(decodes_what_avro_c_reads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
