/* dead_letters_edits: letters that somebody has repaired: the lines of `dead-letters list --json`,
 * changed by hand or by a filter. Of a line count:
 *
 *     partition, offset           which letter
 *     value_base64 or value       what its record's value shall be: bytes, or a text; null = null
 *     key_base64 or key           likewise
 *
 * What is not there stays as it was; a text goes before its base64. Other members, blank lines and
 * the summary are passed over. One thread. */
#ifndef PROMOSTREAM_COMMANDS_DEAD_LETTERS_EDITS_H
#define PROMOSTREAM_COMMANDS_DEAD_LETTERS_EDITS_H

#include "base/failure.h"
#include "consumer/commands/dead_letters.h"

struct letter_edit {
    int32_t partition;
    int64_t offset;
    bool has_key, has_value;
    struct bytes key, value; /* owned; data NULL = null */
    bool is_found;           /* letter_edits_find gave it out */
};

struct letter_edits { /* all zero to begin with */
    struct letter_edit *items;
    size_t count, capacity;
    bool is_sorted;
};

/* Takes one line. False, with the reason, if it is not one of these. */
bool letter_edits_add(struct letter_edits *edits, struct bytes line, char *reason, size_t size);
/* Takes a file, "-" = standard input; nothing is used of one with a bad line: STOP, with path:line.
 * STOP too if a letter stands there twice. */
MUST_CHECK struct failure letter_edits_read(struct letter_edits *edits, const char *path);
/* NULL if there is none for this letter. */
const struct letter_edit *letter_edits_find(struct letter_edits *edits,
                                            const struct letter *letter);
/* The row as it shall be. Borrows of both. */
struct dead_letter_row letter_edit_apply(const struct letter_edit *edit,
                                         const struct dead_letter_row *row);
/* Those that no letter was asked for. */
size_t letter_edits_left(const struct letter_edits *edits);
void letter_edits_clean_up(struct letter_edits *edits); /* idempotent */

#endif
