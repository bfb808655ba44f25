#include "consumer/commands/dead_letters.h"

#include <stdlib.h>

#include "base/hash.h"
#include "consumer/ops/printable.h"

#define OTHER_REASONS "(other)"

/* ---- what was put back ---- */

bool letter_is_note(const struct dead_letter_row *row, const char *own_topic) {
    return bytes_equal(row->reason, bytes_of_text(DEAD_LETTER_REPLAYED)) &&
           bytes_equal(row->topic, bytes_of_text(own_topic));
}

void letter_notes_add(struct letter_notes *notes, const struct dead_letter_row *note) {
    if (notes->count == notes->capacity) {
        notes->capacity = notes->capacity ? 2 * notes->capacity : 256;
        notes->items = memory_grow(notes->items, notes->capacity, sizeof notes->items[0]);
    }
    notes->items[notes->count++] =
        (struct letter_note){note->partition, note->offset, hash64(note->value, 0)};
    notes->is_sorted = false;
}

static int compare_notes(const void *a, const void *b) {
    const struct letter_note *x = a, *y = b;
    if (x->partition != y->partition) {
        return x->partition < y->partition ? -1 : 1;
    }
    if (x->offset != y->offset) {
        return x->offset < y->offset ? -1 : 1;
    }
    return (x->to > y->to) - (x->to < y->to);
}

bool letter_notes_has(struct letter_notes *notes, const struct letter *letter, struct bytes to) {
    if (notes->count == 0) {
        return false;
    }
    if (!notes->is_sorted) {
        qsort(notes->items, notes->count, sizeof notes->items[0], compare_notes);
        notes->is_sorted = true;
    }
    const struct letter_note wanted = {letter->partition, letter->offset, hash64(to, 0)};
    return bsearch(&wanted, notes->items, notes->count, sizeof wanted, compare_notes) != NULL;
}

void letter_notes_clean_up(struct letter_notes *notes) {
    free(notes->items);
    *notes = (struct letter_notes){0};
}

struct dead_letter_row letter_note_of(const struct letter *letter, const char *own_topic,
                                      struct bytes to) {
    return (struct dead_letter_row){
        .topic = bytes_of_text(own_topic),
        .partition = letter->partition,
        .offset = letter->offset,
        .timestamp_ms = letter->written_ms,
        .reason = bytes_of_text(DEAD_LETTER_REPLAYED),
        .key = letter->row->key,
        .value = to,
    };
}

/* ---- which ---- */

bool letter_is_wanted(const struct letter_filter *filter, const struct letter *letter) {
    if (letter->written_ms < filter->since_ms) {
        return false;
    }
    for (size_t i = 0; i < filter->reasons->count; i++) {
        if (bytes_equal(letter->row->reason, bytes_of_text(filter->reasons->items[i]))) {
            return true;
        }
    }
    return filter->reasons->count == 0;
}

#define LETTER_VERDICT_TEXT(id, text) text,
const char *const letter_verdict_texts[] = {LETTER_VERDICTS(LETTER_VERDICT_TEXT)};
#undef LETTER_VERDICT_TEXT

int64_t letter_replays(const struct dead_letter_row *row) {
    int64_t count = 0;
    for (size_t i = 0; i < row->header_count; i++) {
        count += bytes_equal(row->headers[i].key, bytes_of_text(LETTER_HEADER_FROM));
    }
    return count;
}

struct bytes letter_destination(const struct letter_rules *rules, const struct letter *letter) {
    return rules->to.size > 0 ? rules->to : letter->row->topic;
}

static bool is_from_input(const struct letter_rules *rules, const struct dead_letter_row *row) {
    for (int input = 0; input < 2; input++) {
        if (bytes_equal(row->topic, rules->inputs[input])) {
            return row->partition >= 0 && row->partition < rules->partitions[input];
        }
    }
    return false;
}

enum letter_verdict letter_judge(const struct letter_rules *rules, struct letter_notes *notes,
                                 const struct letter *letter) {
    if (letter_notes_has(notes, letter, letter_destination(rules, letter))) {
        return LETTER_REPLAYED;
    }
    if (letter->row->cut) {
        return LETTER_CUT;
    }
    if (!is_from_input(rules, letter->row)) {
        return LETTER_FOREIGN;
    }
    return letter_replays(letter->row) > rules->again_max ? LETTER_TOO_OFTEN : LETTER_FIT;
}

/* ---- how many ---- */

static void format_reason(struct bytes reason, char out[LETTER_REASON_BYTES_MAX]) {
    struct buffer text = {0};
    printable_append(&text, reason, 0);
    size_t size = text.size < LETTER_REASON_BYTES_MAX ? text.size : LETTER_REASON_BYTES_MAX - 1;
    if (size > 0) {
        memcpy(out, text.data, size);
    }
    out[size] = '\0';
    buffer_clean_up(&text);
}

static struct letter_tally_row *row_of(struct letter_tally *tally, struct bytes reason) {
    char name[LETTER_REASON_BYTES_MAX];
    format_reason(reason, name);
    for (size_t i = 0; i < tally->count; i++) {
        if (strcmp(tally->rows[i].reason, name) == 0) {
            return &tally->rows[i];
        }
    }
    if (tally->count == LETTER_REASONS_MAX) {
        return &tally->rows[LETTER_REASONS_MAX - 1];
    }
    struct letter_tally_row *row = &tally->rows[tally->count++];
    *row = (struct letter_tally_row){0};
    memcpy(row->reason, name, sizeof name);
    if (tally->count == LETTER_REASONS_MAX) {
        memcpy(row->reason, OTHER_REASONS, sizeof OTHER_REASONS);
    }
    return row;
}

void letter_tally_add(struct letter_tally *tally, struct bytes reason,
                      enum letter_verdict verdict) {
    row_of(tally, reason)->counts[verdict]++;
}

void letter_tally_merge(struct letter_tally *tally, struct letter_tally *other) {
    for (size_t i = 0; i < other->count; i++) {
        struct letter_tally_row *row = row_of(tally, bytes_of_text(other->rows[i].reason));
        for (int verdict = 0; verdict < LETTER_VERDICT_COUNT; verdict++) {
            row->counts[verdict] += other->rows[i].counts[verdict];
        }
    }
    other->count = 0;
}

int64_t letter_tally_total(const struct letter_tally *tally, enum letter_verdict verdict) {
    int64_t total = 0;
    for (size_t i = 0; i < tally->count; i++) {
        total += tally->rows[i].counts[verdict];
    }
    return total;
}

int64_t letter_tally_of_reason(const struct letter_tally_row *row) {
    int64_t total = 0;
    for (int verdict = 0; verdict < LETTER_VERDICT_COUNT; verdict++) {
        total += row->counts[verdict];
    }
    return total;
}

static int compare_rows(const void *a, const void *b) {
    int64_t x = letter_tally_of_reason(a), y = letter_tally_of_reason(b);
    const struct letter_tally_row *left = a, *right = b;
    return x != y ? (x < y ? 1 : -1) : strcmp(left->reason, right->reason);
}

void letter_tally_sort(struct letter_tally *tally) {
    qsort(tally->rows, tally->count, sizeof tally->rows[0], compare_rows);
}
