/* dead_letters_read: the topic dead-letters, read twice: first the notes of what was put back, then
 * the letters, when all that is known of each is there. As committed; no group, no writing. Main
 * thread. */
#ifndef PROMOSTREAM_COMMANDS_DEAD_LETTERS_READ_H
#define PROMOSTREAM_COMMANDS_DEAD_LETTERS_READ_H

#include "consumer/commands/dead_letters.h"
#include "consumer/pipeline_config.h"

struct letters {
    const struct pipeline_config *config; /* borrowed */
    const char *topic;                    /* name of dead-letters */
    struct letter_notes notes;
    struct letter_rules rules; /* inputs and partitions; the caller sets the rest */
    int64_t *ends;             /* per partition: after the last record of the first reading */
    int32_t partition_count;
    int64_t unreadable; /* rows that are no letters of this version */
    bool is_enough;     /* ends the reading under way */
};

/* Counts the partitions of the inputs. */
MUST_CHECK struct failure letters_open(const struct pipeline_config *config, struct letters *out);
/* The first reading. RETRY while an open transaction hides what may be notes, STOP after SIGTERM.
 */
MUST_CHECK struct failure letters_read_notes(struct letters *letters);
/* The second: every letter that stood there at the first, partition by partition in offset order.
 * The letter and its row are lent for the call. Ends when the visitor returns false, and after
 * SIGTERM. */
typedef bool letter_visit(void *context, const struct letter *letter);
MUST_CHECK struct failure letters_visit(struct letters *letters, letter_visit *visit,
                                        void *context);
void letters_close(struct letters *letters); /* idempotent */

#endif
