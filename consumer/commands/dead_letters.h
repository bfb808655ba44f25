/* dead_letters: what the commands need to know of dead letters before they do anything: which were
 * put back, which are wanted, which may be put back, and how many there are of each reason. Pure.
 */
#ifndef PROMOSTREAM_COMMANDS_DEAD_LETTERS_H
#define PROMOSTREAM_COMMANDS_DEAD_LETTERS_H

#include "base/options.h"
#include "schemas/rows.h"

/* Headers that a record is given when it is put back, after its own: PARTITION@OFFSET of the
 * letter, and its reason. A record that fails again brings them into its next letter. */
#define LETTER_HEADER_FROM   "promostream-dead-letter"
#define LETTER_HEADER_REASON "promostream-reason"

/* A letter where it stands in the topic dead-letters. */
struct letter {
    int32_t partition;
    int64_t offset;
    int64_t written_ms; /* when it became a letter */
    const struct dead_letter_row *row;
};

/* ---- what was put back ---- */

struct letter_note {
    int32_t partition;
    int64_t offset;
    uint64_t to; /* hash of the topic */
};

/* A set; all zero is the empty one. */
struct letter_notes {
    struct letter_note *items;
    size_t count, capacity;
    bool is_sorted;
};

/* Whether the row is a note and no letter; own_topic is the name of dead-letters. */
bool letter_is_note(const struct dead_letter_row *row, const char *own_topic);
void letter_notes_add(struct letter_notes *notes, const struct dead_letter_row *note);
/* Whether this letter was put to that topic. */
bool letter_notes_has(struct letter_notes *notes, const struct letter *letter, struct bytes to);
void letter_notes_clean_up(struct letter_notes *notes); /* idempotent */
/* The note for a letter. Borrows of the letter and both names. */
struct dead_letter_row letter_note_of(const struct letter *letter, const char *own_topic,
                                      struct bytes to);

/* ---- which ---- */

struct letter_filter {
    const struct option_list *reasons; /* none = every reason */
    int64_t since_ms;                  /* written at this time or later */
};
bool letter_is_wanted(const struct letter_filter *filter, const struct letter *letter);

/* X(enumerator, what the summary says). The first that holds counts. */
#define LETTER_VERDICTS(X)                                                                         \
    X(LETTER_FIT, "put back")                                                                      \
    X(LETTER_REPLAYED, "put back before")                                                          \
    X(LETTER_CUT, "kept only in part, cannot be put back")                                         \
    X(LETTER_FOREIGN, "from a topic or partition that is no input, refused")                       \
    X(LETTER_TOO_OFTEN, "failed again after each replay, left out (--again-max)")
#define LETTER_VERDICT_ENUM(id, text) id,
enum letter_verdict { LETTER_VERDICTS(LETTER_VERDICT_ENUM) LETTER_VERDICT_COUNT };
extern const char *const letter_verdict_texts[LETTER_VERDICT_COUNT];

struct letter_rules {
    struct bytes inputs[2]; /* names of the input topics */
    int32_t partitions[2];  /* of each */
    struct bytes to;        /* the only destination; empty = where each letter came from */
    int64_t again_max;      /* replays that the record may have behind it */
};
/* How often the record was put back before it became this letter. */
int64_t letter_replays(const struct dead_letter_row *row);
/* The topic that it would be put to. */
struct bytes letter_destination(const struct letter_rules *rules, const struct letter *letter);
enum letter_verdict letter_judge(const struct letter_rules *rules, struct letter_notes *notes,
                                 const struct letter *letter);

/* ---- how many ---- */

#define LETTER_REASONS_MAX      64 /* of more, the others are counted together */
#define LETTER_REASON_BYTES_MAX 48

struct letter_tally_row {
    char reason[LETTER_REASON_BYTES_MAX];
    int64_t counts[LETTER_VERDICT_COUNT];
};

struct letter_tally { /* all zero to begin with */
    struct letter_tally_row rows[LETTER_REASONS_MAX];
    size_t count;
};
void letter_tally_add(struct letter_tally *tally, struct bytes reason, enum letter_verdict verdict);
/* What other counts; other is empty then. */
void letter_tally_merge(struct letter_tally *tally, struct letter_tally *other);
int64_t letter_tally_total(const struct letter_tally *tally, enum letter_verdict verdict);
int64_t letter_tally_of_reason(const struct letter_tally_row *row); /* all verdicts */
/* Most letters first. */
void letter_tally_sort(struct letter_tally *tally);

#endif
