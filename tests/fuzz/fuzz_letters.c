/* Dead letters as `dead-letters` reads them: rows at places of the topic, notes among them. What is
 * shown as JSON is JSON, holds the bytes, and puts them back if it is read again (--from). What is
 * no row is taken for a line that somebody repaired. */
#include "consumer/commands/dead_letters_edits.h"
#include "consumer/commands/dead_letters_text.h"
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <stdlib.h>

#include "schemas/wire.h"

#define OWN_TOPIC   "dead-letters"
#define LETTERS_MAX 64

/* What `list --json` printed, unchanged, changes nothing. */
static void check_edit(const struct letter *letter, struct bytes line) {
    struct letter_edits edits = {0};
    char reason[64];
    FUZZ_ASSERT(letter_edits_add(&edits, line, reason, sizeof reason));
    const struct letter_edit *edit = letter_edits_find(&edits, letter);
    FUZZ_ASSERT(edit && letter_edits_left(&edits) == 0);
    struct dead_letter_row row = letter_edit_apply(edit, letter->row);
    FUZZ_ASSERT(bytes_equal(row.value, letter->row->value) &&
                bytes_equal(row.key, letter->row->key));
    FUZZ_ASSERT(!row.value.data == !letter->row->value.data);
    letter_edits_clean_up(&edits);
}

static void check_json(const struct letter *letter, enum letter_verdict verdict) {
    struct buffer text = {0}, value = {0};
    letter_render_json(letter, verdict, &text);
    json_t *json = json_loadb((const char *)text.data, text.size, JSON_ALLOW_NUL, NULL);
    FUZZ_ASSERT(json);
    const char *shown = json_string_value(json_object_get(json, "value_base64"));
    FUZZ_ASSERT(!shown == !letter->row->value.data);
    if (shown) {
        letter_append_base64(&value, letter->row->value);
        FUZZ_ASSERT(bytes_equal(bytes_of_text(shown), buffer_bytes(&value)));
    }
    check_edit(letter, buffer_bytes(&text));
    json_decref(json);
    buffer_clean_up(&text);
    buffer_clean_up(&value);
}

static void take_line(struct letter_edits *edits, struct bytes line) {
    char reason[64] = "";
    if (!letter_edits_add(edits, line, reason, sizeof reason)) {
        FUZZ_ASSERT(reason[0] && memchr(reason, 0, sizeof reason));
    }
}

/* One line, and nothing that a terminal would obey. */
static void check_line(const struct letter *letter, enum letter_verdict verdict) {
    struct buffer text = {0};
    letter_render_line(letter, verdict, &text);
    for (size_t i = 0; i + 1 < text.size; i++) {
        FUZZ_ASSERT(text.data[i] >= ' ' && text.data[i] != 0x7f);
    }
    FUZZ_ASSERT(wire_is_utf8(buffer_bytes(&text)));
    buffer_clean_up(&text);
}

static void take(const struct letter_rules *rules, struct letter_notes *notes,
                 struct letter_tally *tally, const struct letter *letter) {
    enum letter_verdict verdict = letter_judge(rules, notes, letter);
    FUZZ_ASSERT((unsigned)verdict < LETTER_VERDICT_COUNT);
    FUZZ_ASSERT(verdict != LETTER_FIT || !letter->row->cut);
    struct bytes to = letter_destination(rules, letter);
    struct dead_letter_row note = letter_note_of(letter, OWN_TOPIC, to);
    FUZZ_ASSERT(letter_is_note(&note, OWN_TOPIC));
    letter_tally_add(tally, letter->row->reason, verdict);
    check_json(letter, verdict);
    check_line(letter, verdict);
    if (verdict == LETTER_FIT) {
        letter_notes_add(notes, &note);
        FUZZ_ASSERT(letter_judge(rules, notes, letter) == LETTER_REPLAYED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct dead_letter_row row;
    struct fuzz_input input = {bytes_of(data, size)};
    struct letter_rules rules = {
        .inputs = {bytes_of_text("clickstream"), bytes_of_text("push-feedback")},
        .partitions = {2, 2},
        .again_max = (int64_t)fuzz_number(&input, 1)};
    struct letter_notes notes = {0};
    struct letter_tally tally = {0};
    struct letter_edits edits = {0};
    for (int64_t offset = 0; input.left.size > 0 && offset < LETTERS_MAX; offset++) {
        struct bytes body = fuzz_piece(&input);
        if (!dead_letter_decode(body, &row)) {
            take_line(&edits, body);
        } else if (letter_is_note(&row, OWN_TOPIC)) {
            letter_notes_add(&notes, &row);
        } else {
            struct letter letter = {
                .partition = 1, .offset = offset, .written_ms = offset, .row = &row};
            take(&rules, &notes, &tally, &letter);
        }
        free((void *)(uintptr_t)body.data);
    }
    struct buffer summary = {0};
    letter_tally_sort(&tally);
    letter_render_summary(&tally, 1, true, &summary);
    json_t *json = json_loadb((const char *)summary.data, summary.size, JSON_ALLOW_NUL, NULL);
    FUZZ_ASSERT(json);
    json_decref(json);
    buffer_clear(&summary);
    letter_render_summary(&tally, 1, false, &summary);
    buffer_clean_up(&summary);
    letter_notes_clean_up(&notes);
    letter_edits_clean_up(&edits);
    return 0;
}
