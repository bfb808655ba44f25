/* tzif: files made by hand, good and broken in every field; whatever is broken is refused whole,
 * and no cut or flipped byte is read beyond its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buffer.h"
#include "base/tzif.h"

/* What a test may set wrong; all else is made to fit. */
struct recipe {
    uint8_t version;
    const int64_t *times;
    const uint8_t *indexes;
    size_t time_count;
    const int32_t *offsets;
    size_t type_count, name_bytes, leap_count;
    uint8_t is_dst, name_index; /* of every type */
    const char *footer;         /* with its newlines */
};

static void append_number(struct buffer *out, uint64_t value, int size) {
    for (int i = size - 1; i >= 0; i--) {
        buffer_append_byte(out, (uint8_t)(value >> (8 * i)));
    }
}

static void append_zeros(struct buffer *out, size_t size) {
    for (size_t i = 0; i < size; i++) {
        buffer_append_byte(out, 0);
    }
}

static void append_part(struct buffer *out, const struct recipe *r, int time_bytes) {
    buffer_append(out, bytes_of_text("TZif"));
    buffer_append_byte(out, r->version);
    append_zeros(out, 15);
    append_number(out, 0, 4);
    append_number(out, 0, 4);
    append_number(out, r->leap_count, 4);
    append_number(out, r->time_count, 4);
    append_number(out, r->type_count, 4);
    append_number(out, r->name_bytes, 4);
    for (size_t i = 0; i < r->time_count; i++) {
        append_number(out, (uint64_t)r->times[i], time_bytes);
    }
    buffer_append(out, bytes_of(r->indexes, r->time_count));
    for (size_t i = 0; i < r->type_count; i++) {
        append_number(out, (uint32_t)r->offsets[i], 4);
        buffer_append_byte(out, r->is_dst);
        buffer_append_byte(out, r->name_index);
    }
    append_zeros(out, r->name_bytes + r->leap_count * (size_t)(time_bytes + 4));
}

static struct buffer make(const struct recipe *r) {
    struct buffer out = {0};
    append_part(&out, r, 4);
    append_part(&out, r, 8);
    buffer_append(&out, bytes_of_text(r->footer));
    return out;
}

static bool is_taken(const struct recipe *r) {
    struct buffer file = make(r);
    struct tzif tzif;
    bool taken = tzif_parse(buffer_bytes(&file), &tzif);
    if (taken) {
        tzif_clean_up(&tzif);
    }
    buffer_clean_up(&file);
    return taken;
}

static const int64_t two_times[] = {1000, 2000};
static const uint8_t two_indexes[] = {1, 2};
static const int32_t three_offsets[] = {60, 3600, -7200};
static const struct recipe good = {
    .version = '2',
    .times = two_times,
    .indexes = two_indexes,
    .time_count = 2,
    .offsets = three_offsets,
    .type_count = 3,
    .name_bytes = 4,
    .footer = "\n<-02>2\n",
};

static struct tzif parse(const struct recipe *r) {
    struct buffer file = make(r);
    struct tzif tzif;
    assert_true(tzif_parse(buffer_bytes(&file), &tzif));
    buffer_clean_up(&file);
    return tzif;
}

static void offsets_by_transition(void **state) {
    (void)state;
    struct tzif tzif = parse(&good);
    assert_int_equal(tzif_offset_s(&tzif, INT64_MIN), 60);
    assert_int_equal(tzif_offset_s(&tzif, 999), 60);
    assert_int_equal(tzif_offset_s(&tzif, 1000), 3600);
    assert_int_equal(tzif_offset_s(&tzif, 1999), 3600);
    assert_int_equal(tzif_offset_s(&tzif, 2000), -7200);
    assert_int_equal(tzif_next_s(&tzif, INT64_MIN), 1000);
    assert_int_equal(tzif_next_s(&tzif, 999), 1000);
    assert_int_equal(tzif_next_s(&tzif, 1000), 2000);
    assert_true(tzif_next_s(&tzif, 2000) == INT64_MAX);
    tzif_clean_up(&tzif);
    tzif_clean_up(&tzif);
    tzif_clean_up(NULL);
    assert_int_equal(tzif_offset_s(&tzif, 0), 0);
}

static void the_footer_rules_beyond_the_last(void **state) {
    (void)state;
    struct recipe r = good;
    r.footer = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
    struct tzif tzif = parse(&r);
    assert_int_equal(tzif_offset_s(&tzif, 1999), 3600);
    assert_int_equal(tzif_offset_s(&tzif, 2847661200 - 1), 3600); /* 2060-03-28 01:00 */
    assert_int_equal(tzif_offset_s(&tzif, 2847661200), 7200);
    assert_int_equal(tzif_next_s(&tzif, 2847661199), 2847661200);
    tzif_clean_up(&tzif);
}

static void without_footer_the_last_type_stays(void **state) {
    (void)state;
    struct recipe r = good;
    r.footer = "\n\n";
    struct tzif tzif = parse(&r);
    assert_int_equal(tzif_offset_s(&tzif, INT64_MAX), -7200);
    assert_true(tzif_next_s(&tzif, 2000) == INT64_MAX);
    tzif_clean_up(&tzif);
}

static void without_transitions_the_footer_or_the_first_type_rules(void **state) {
    (void)state;
    struct recipe r = good;
    r.time_count = 0;
    struct tzif tzif = parse(&r);
    assert_int_equal(tzif_offset_s(&tzif, 0), -7200);
    tzif_clean_up(&tzif);
    r.footer = "\n\n";
    tzif = parse(&r);
    assert_int_equal(tzif_offset_s(&tzif, 0), 60);
    assert_true(tzif_next_s(&tzif, 0) == INT64_MAX);
    tzif_clean_up(&tzif);
}

static void each_broken_field_is_refused(void **state) {
    (void)state;
    static const int64_t same_times[] = {1000, 1000}, falling_times[] = {2000, 1000};
    static const uint8_t wild_indexes[] = {1, 3};
    static const int32_t far_east[] = {60, 26 * 3600, 0}, far_west[] = {-25 * 3600, 0, 0};
    struct recipe bad[] = {good, good, good, good, good, good, good, good,
                           good, good, good, good, good, good, good, good};
    bad[0].version = 0;
    bad[1].version = '1';
    bad[2].times = same_times;
    bad[3].times = falling_times;
    bad[4].indexes = wild_indexes;
    bad[5].offsets = far_east;
    bad[6].offsets = far_west;
    bad[7].type_count = 0;
    bad[7].time_count = 0;
    bad[8].name_bytes = 0;
    bad[9].name_index = 4;
    bad[10].is_dst = 2;
    bad[11].leap_count = 1;
    bad[12].footer = "";
    bad[13].footer = "\n";
    bad[14].footer = "\n<-02>2";
    bad[15].footer = "\nnonsense\n";
    assert_true(is_taken(&good));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (is_taken(&bad[i])) {
            fail_msg("row %zu was taken", i);
        }
    }
}

static void huge_counts_are_refused(void **state) {
    (void)state;
    struct buffer file = make(&good);
    size_t second_header = 44 + 2 * 5 + 3 * 6 + 4;
    assert_memory_equal(file.data + second_header, "TZif", 4);
    /* Each of the twelve counts in turn, as large as it can be. */
    for (size_t i = 0; i < 12; i++) {
        uint8_t *count = file.data + (i < 6 ? 0 : second_header) + 20 + i % 6 * 4;
        uint8_t kept[4];
        memcpy(kept, count, 4);
        memset(count, 0xff, 4);
        struct tzif tzif;
        assert_false(tzif_parse(buffer_bytes(&file), &tzif));
        memcpy(count, kept, 4);
    }
    buffer_clean_up(&file);
}

static void every_cut_is_refused(void **state) {
    (void)state;
    struct buffer file = make(&good);
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *cut = memory_new(size + 1, 1); /* exact at its end, for AddressSanitizer */
        memcpy(cut + 1, file.data, size);
        struct tzif tzif;
        if (tzif_parse(bytes_of(cut + 1, size), &tzif)) {
            fail_msg("cut at %zu was taken", size);
        }
        free(cut);
    }
    buffer_clean_up(&file);
}

static void flipped_bytes_do_no_harm(void **state) {
    (void)state;
    struct buffer file = make(&good);
    for (size_t i = 0; i < file.size * 8; i++) {
        uint8_t *copy = memory_new(file.size, 1);
        memcpy(copy, file.data, file.size);
        copy[i / 8] ^= (uint8_t)(1 << i % 8);
        struct tzif tzif;
        if (tzif_parse(bytes_of(copy, file.size), &tzif)) {
            (void)tzif_offset_s(&tzif, 1500);
            (void)tzif_offset_s(&tzif, INT64_MAX / 1000);
            (void)tzif_next_s(&tzif, INT64_MIN / 1000);
            tzif_clean_up(&tzif);
        }
        free(copy);
    }
    buffer_clean_up(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_by_transition),
        cmocka_unit_test(the_footer_rules_beyond_the_last),
        cmocka_unit_test(without_footer_the_last_type_stays),
        cmocka_unit_test(without_transitions_the_footer_or_the_first_type_rules),
        cmocka_unit_test(each_broken_field_is_refused),
        cmocka_unit_test(huge_counts_are_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(flipped_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
