/* event against Avro-C: over random events, what we write Avro-C reads and writes again to the same
 * bytes, and what Avro-C writes field by name we read to the same event. Damage of any byte is
 * noticed or survived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "schemas/event_fast.h"
#include "tests/support/avro_oracle.h"
#include "tests/support/random_event.h"
#include "tests/support/row_check.h"

#define EVENTS         20000
#define DAMAGED_EVENTS 200
#define DAMAGED_BYTES  400 /* of the longest event that is damaged */
#define SEED           20240301

static avro_value_t field_of(avro_value_t *record, const char *name) {
    avro_value_t field;
    assert_int_equal(avro_value_get_by_name(record, name, &field, NULL), 0);
    return field;
}

static void set_text(avro_value_t value, struct bytes text) {
    /* Avro-C wants the NUL in the size. */
    char copy[EVENT_TEXT_BYTES_MAX + 1] = {0};
    memcpy(copy, text.data, text.size);
    assert_int_equal(avro_value_set_string_len(&value, copy, text.size + 1), 0);
}

static void set_optional_text(avro_value_t value, struct bytes text) {
    avro_value_t branch;
    assert_int_equal(avro_value_set_branch(&value, text.size > 0, &branch), 0);
    if (text.size > 0) {
        set_text(branch, text);
    }
}

static void set_optional_double(avro_value_t value, double number) {
    avro_value_t branch;
    assert_int_equal(avro_value_set_branch(&value, !isnan(number), &branch), 0);
    if (!isnan(number)) {
        assert_int_equal(avro_value_set_double(&branch, number), 0);
    }
}

static void set_line(avro_value_t *record, const struct event_line *line) {
    avro_value_t quantity = field_of(record, "quantity");
    set_text(field_of(record, "item_id"), line->item_id);
    set_optional_text(field_of(record, "category"), line->category);
    set_optional_text(field_of(record, "brand"), line->brand);
    set_optional_double(field_of(record, "price"), line->price);
    assert_int_equal(avro_value_set_int(&quantity, line->quantity), 0);
}

static void set_event(avro_value_t *record, const struct event *event) {
    avro_value_t type = field_of(record, "type");
    avro_value_t event_ms = field_of(record, "event_ms");
    avro_value_t consent = field_of(record, "consent");
    avro_value_t lines = field_of(record, "lines");
    assert_int_equal(avro_value_reset(record), 0);
    assert_int_equal(avro_value_set_enum(&type, (int)event->type), 0);
    assert_int_equal(avro_value_set_long(&event_ms, event->event_ms), 0);
    assert_int_equal(avro_value_set_enum(&consent, (int)event->consent), 0);
    set_text(field_of(record, "user_id"), event->user_id);
    set_optional_double(field_of(record, "total"), event->total);
    for (const struct event_text_field *field = event_text_fields; field->name; field++) {
        set_optional_text(field_of(record, field->name), *event_text(event, field));
    }
    for (size_t i = 0; i < event->line_count; i++) {
        avro_value_t line;
        assert_int_equal(avro_value_append(&lines, &line, NULL), 0);
        set_line(&line, &event->lines[i]);
    }
}

struct fixture {
    struct random_event *random;
    struct avro_oracle oracle;
    struct buffer ours, theirs;
    struct event decoded;
    struct event_line *lines;
};

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof(*fixture));
    fixture->random = memory_new(1, sizeof(*fixture->random));
    fixture->lines = memory_new(EVENT_LINES_MAX, sizeof(*fixture->lines));
    fixture->decoded.lines = fixture->lines;
    avro_oracle_init(&fixture->oracle, SCHEMA_EVENT);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    avro_oracle_clean_up(&fixture->oracle);
    buffer_clean_up(&fixture->ours);
    buffer_clean_up(&fixture->theirs);
    free(fixture->lines);
    free(fixture->random);
    free(fixture);
    return 0;
}

static void assert_same_bytes(const struct fixture *fixture) {
    assert_int_equal(fixture->ours.size, fixture->theirs.size);
    assert_memory_equal(fixture->ours.data, fixture->theirs.data, fixture->ours.size);
}

static void agrees_with_avro_c(void **state) {
    struct fixture *fixture = *state;
    const struct event *event = &fixture->random->event;
    struct rng rng = rng_make(SEED, 0);
    for (int i = 0; i < EVENTS; i++) {
        random_event_make(&rng, fixture->random);
        buffer_clear(&fixture->ours);
        event_encode(event, &fixture->ours);

        assert_true(avro_oracle_read(&fixture->oracle, buffer_bytes(&fixture->ours)));
        buffer_clear(&fixture->theirs);
        avro_oracle_write(&fixture->oracle, &fixture->theirs);
        assert_same_bytes(fixture);

        set_event(&fixture->oracle.value, event);
        buffer_clear(&fixture->theirs);
        avro_oracle_write(&fixture->oracle, &fixture->theirs);
        assert_same_bytes(fixture);
        assert_int_equal(event_decode(buffer_bytes(&fixture->theirs), &fixture->decoded), EVENT_OK);
        assert_true(events_equal(event, &fixture->decoded));
    }
}

static void encode(const void *row, struct buffer *out) {
    event_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    struct event_line *lines = memory_new(EVENT_LINES_MAX, sizeof(*lines));
    struct event *event = out_row;
    event->lines = lines;
    enum event_verdict verdict = event_decode(body, event);
    assert_true(verdict < EVENT_VERDICT_COUNT && verdict != EVENT_BAD_FRAMING);
    free(lines);
    return verdict == EVENT_OK;
}

static void survives_damage(void **state) {
    static const struct row_codec codec = {
        .schema = SCHEMA_EVENT,
        .row_bytes = sizeof(struct event),
        .encode = encode,
        .decode = decode,
    };
    struct fixture *fixture = *state;
    struct rng rng = rng_make(SEED, 1);
    for (int damaged = 0; damaged < DAMAGED_EVENTS;) {
        random_event_make(&rng, fixture->random);
        buffer_clear(&fixture->ours);
        event_encode(&fixture->random->event, &fixture->ours);
        if (fixture->ours.size <= DAMAGED_BYTES) {
            row_check_damage(&codec, buffer_bytes(&fixture->ours));
            damaged++;
        }
    }
}

/* The way that event_decode takes first against the plan: the same verdict and event for any body,
 * whole, cut or with any byte changed. The copy ends where the body does, so that ASan sees a read
 * past it. */
static bool agrees_with_plan(struct fixture *fixture, const uint8_t *data, size_t size) {
    static struct event_line lines[EVENT_LINES_MAX];
    struct event plain = {.lines = lines};
    uint8_t *copy = memory_new(size, 1);
    memcpy(copy, data, size);
    struct bytes body = bytes_of(copy, size);
    enum event_verdict expected = event_decode_plain(body, &plain);
    bool is_fast = event_decode_fast(body, &fixture->decoded);
    assert_false(is_fast && expected != EVENT_OK);
    if (is_fast) {
        assert_true(events_equal(&plain, &fixture->decoded));
    }
    assert_int_equal(event_decode(body, &fixture->decoded), expected);
    free(copy);
    return is_fast;
}

static void the_fast_way_is_the_plan(void **state) {
    struct fixture *fixture = *state;
    struct rng rng = rng_make(SEED, 2);
    size_t fast = 0;
    for (int damaged = 0; damaged < DAMAGED_EVENTS;) {
        random_event_make(&rng, fixture->random);
        buffer_clear(&fixture->ours);
        event_encode(&fixture->random->event, &fixture->ours);
        uint8_t *body = fixture->ours.data;
        size_t size = fixture->ours.size;
        fast += agrees_with_plan(fixture, body, size);
        if (size > DAMAGED_BYTES) {
            continue;
        }
        damaged++;
        for (size_t i = 0; i < size; i++) {
            static const uint8_t flips[] = {1, 2, 3, 4, 0x80, 0x7f, 0xff};
            if (i > 0) {
                (void)agrees_with_plan(fixture, body, i);
            }
            for (size_t f = 0; f < sizeof flips; f++) {
                body[i] ^= flips[f];
                (void)agrees_with_plan(fixture, body, size);
                body[i] ^= flips[f];
            }
        }
    }
    assert_true(fast > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(agrees_with_avro_c, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_fast_way_is_the_plan, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
