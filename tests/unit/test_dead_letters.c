/* dead_letters: what was put back is known, what is wanted is chosen, what may not be put back is
 * not, and the counts add up. */
#include "consumer/commands/dead_letters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TEXT(literal) bytes_of_text(literal)
#define OWN           "shop-dead-letters"

static struct letter letter_at(int32_t partition, int64_t offset,
                               const struct dead_letter_row *row) {
    return (struct letter){partition, offset, 1000, row};
}

/* ---- notes ---- */

static void test_a_note_is_known_again(void **state) {
    (void)state;
    const struct dead_letter_row row = {
        .topic = TEXT("clickstream"), .reason = TEXT("bad_json"), .key = TEXT("anna")};
    struct letter letter = letter_at(3, 17, &row);
    struct dead_letter_row note = letter_note_of(&letter, OWN, TEXT("clickstream"));
    assert_true(letter_is_note(&note, OWN));
    struct buffer body = {0};
    dead_letter_encode(&note, &body);
    struct dead_letter_row read;
    assert_true(dead_letter_decode(buffer_bytes(&body), &read));
    assert_true(letter_is_note(&read, OWN));
    assert_true(bytes_equal(read.key, TEXT("anna"))); /* beside its letter in a topic by key */
    struct letter_notes notes = {0};
    assert_false(letter_notes_has(&notes, &letter, TEXT("clickstream")));
    letter_notes_add(&notes, &read);
    assert_true(letter_notes_has(&notes, &letter, TEXT("clickstream")));
    assert_false(letter_notes_has(&notes, &letter, TEXT("workbench")));
    struct letter other = letter_at(3, 18, &row), elsewhere = letter_at(2, 17, &row);
    assert_false(letter_notes_has(&notes, &other, TEXT("clickstream")));
    assert_false(letter_notes_has(&notes, &elsewhere, TEXT("clickstream")));
    letter_notes_clean_up(&notes);
    letter_notes_clean_up(&notes);
    buffer_clean_up(&body);
}

static void test_a_letter_is_no_note(void **state) {
    (void)state;
    /* The words alone do not make one: a letter of a topic of another name, another verdict. */
    const struct dead_letter_row foreign = {.topic = TEXT("dead-letters"),
                                            .reason = TEXT(DEAD_LETTER_REPLAYED)};
    const struct dead_letter_row own = {.topic = TEXT(OWN), .reason = TEXT("bad_json")};
    assert_false(letter_is_note(&foreign, OWN));
    assert_false(letter_is_note(&own, OWN));
}

/* In any order, with more between the questions. */
static void test_many_notes(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    struct letter_notes notes = {0};
    const struct dead_letter_row row = {0};
    for (int64_t i = 0; i < COUNT; i++) {
        int64_t offset = i * 7919 % COUNT;
        const struct dead_letter_row note = {
            .partition = (int32_t)(offset % 3), .offset = offset, .value = TEXT("clickstream")};
        letter_notes_add(&notes, &note);
        struct letter letter = letter_at((int32_t)(offset % 3), offset, &row);
        assert_true(letter_notes_has(&notes, &letter, TEXT("clickstream")));
    }
    for (int64_t offset = 0; offset < COUNT; offset++) {
        for (int32_t partition = 0; partition < 3; partition++) {
            struct letter letter = letter_at(partition, offset, &row);
            assert_true(letter_notes_has(&notes, &letter, TEXT("clickstream")) ==
                        (partition == offset % 3));
        }
    }
    letter_notes_clean_up(&notes);
}

/* ---- which ---- */

static void test_filter(void **state) {
    (void)state;
    const struct dead_letter_row row = {.reason = TEXT("bad_json")};
    struct letter letter = letter_at(0, 0, &row);
    struct option_list reasons = {0};
    struct letter_filter filter = {.reasons = &reasons, .since_ms = INT64_MIN};
    assert_true(letter_is_wanted(&filter, &letter));
    filter.since_ms = 1000;
    assert_true(letter_is_wanted(&filter, &letter));
    filter.since_ms = 1001;
    assert_false(letter_is_wanted(&filter, &letter));
    filter.since_ms = INT64_MIN;
    reasons.items[reasons.count++] = "bad_jso";
    reasons.items[reasons.count++] = "empty";
    assert_false(letter_is_wanted(&filter, &letter));
    reasons.items[reasons.count++] = "bad_json";
    assert_true(letter_is_wanted(&filter, &letter));
}

static struct letter_rules rules_of_shop(void) {
    return (struct letter_rules){.inputs = {TEXT("clickstream"), TEXT("push-feedback")},
                                 .partitions = {4, 2},
                                 .again_max = 1};
}

static void test_verdicts(void **state) {
    (void)state;
    struct letter_rules rules = rules_of_shop();
    struct letter_notes notes = {0};
    struct dead_letter_row row = {.topic = TEXT("clickstream"), .partition = 3};
    struct letter letter = letter_at(0, 5, &row);
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_FIT);
    row.partition = 4;
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_FOREIGN);
    row.partition = -1;
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_FOREIGN);
    row.partition = 2;
    row.topic = TEXT("push-feedback");
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_FOREIGN);
    row.partition = 1;
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_FIT);
    row.topic = TEXT("user-state");
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_FOREIGN);
    row.topic = TEXT("clickstream");
    row.cut = true;
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_CUT);
    row.cut = false;
    struct dead_letter_row note = letter_note_of(&letter, OWN, TEXT("clickstream"));
    letter_notes_add(&notes, &note);
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_REPLAYED);
    rules.to = TEXT("workbench"); /* another place, another once */
    assert_true(bytes_equal(letter_destination(&rules, &letter), TEXT("workbench")));
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_FIT);
    letter_notes_clean_up(&notes);
}

static void test_what_keeps_failing_is_left_alone(void **state) {
    (void)state;
    struct letter_rules rules = rules_of_shop();
    struct letter_notes notes = {0};
    struct dead_letter_row row = {.topic = TEXT("clickstream"), .header_count = 3};
    struct letter letter = letter_at(0, 5, &row);
    row.headers[0].key = TEXT(LETTER_HEADER_FROM);
    row.headers[1].key = TEXT(LETTER_HEADER_REASON);
    row.headers[2].key = TEXT("promostream-dead-letter-box"); /* somebody's own */
    assert_int_equal(letter_replays(&row), 1);
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_FIT);
    row.headers[row.header_count++].key = TEXT(LETTER_HEADER_FROM);
    assert_int_equal(letter_replays(&row), 2);
    assert_int_equal(letter_judge(&rules, &notes, &letter), LETTER_TOO_OFTEN);
}

/* ---- how many ---- */

static void test_tally(void **state) {
    (void)state;
    struct letter_tally tally = {0}, pending = {0};
    letter_tally_add(&tally, TEXT("empty"), LETTER_FIT);
    letter_tally_add(&pending, TEXT("bad_json"), LETTER_FIT);
    letter_tally_add(&pending, TEXT("bad_json"), LETTER_CUT);
    letter_tally_add(&pending, TEXT("empty"), LETTER_FIT);
    letter_tally_add(&pending, TEXT("bad_json"), LETTER_FIT);
    letter_tally_merge(&tally, &pending);
    assert_int_equal(pending.count, 0);
    assert_int_equal(letter_tally_total(&tally, LETTER_FIT), 4);
    assert_int_equal(letter_tally_total(&tally, LETTER_CUT), 1);
    letter_tally_merge(&tally, &pending); /* nothing a second time */
    assert_int_equal(letter_tally_total(&tally, LETTER_FIT), 4);
    letter_tally_add(&pending, TEXT("empty"), LETTER_REPLAYED); /* counts begin at 0 again */
    assert_int_equal(letter_tally_of_reason(&pending.rows[0]), 1);
    letter_tally_sort(&tally);
    assert_int_equal(tally.count, 2);
    assert_string_equal(tally.rows[0].reason, "bad_json");
    assert_int_equal(letter_tally_of_reason(&tally.rows[0]), 3);
    assert_string_equal(tally.rows[1].reason, "empty");
}

/* Reasons are bytes of a topic that others may write to: any number, any length, anything in them.
 */
static void test_tally_of_noise(void **state) {
    (void)state;
    struct letter_tally tally = {0};
    for (int i = 0; i < 1000; i++) {
        char reason[200];
        snprintf(reason, sizeof reason, "%d\x1b[31m%0150d", i, i);
        letter_tally_add(&tally, bytes_of_text(reason), LETTER_FIT);
    }
    assert_int_equal(tally.count, LETTER_REASONS_MAX);
    assert_int_equal(letter_tally_total(&tally, LETTER_FIT), 1000);
    assert_string_equal(tally.rows[LETTER_REASONS_MAX - 1].reason, "(other)");
    assert_int_equal(letter_tally_of_reason(&tally.rows[LETTER_REASONS_MAX - 1]),
                     1000 - (LETTER_REASONS_MAX - 1));
    assert_null(strchr(tally.rows[0].reason, '\x1b'));
    struct letter_tally sum = {0};
    letter_tally_merge(&sum, &tally);
    assert_int_equal(letter_tally_total(&sum, LETTER_FIT), 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_note_is_known_again),
        cmocka_unit_test(test_a_letter_is_no_note),
        cmocka_unit_test(test_many_notes),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_what_keeps_failing_is_left_alone),
        cmocka_unit_test(test_tally),
        cmocka_unit_test(test_tally_of_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
