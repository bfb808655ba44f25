/* dead_letters_replay: the verb `replay` of dead-letters.
 *
 * Exactly once: each letter that is put back and the note of it, in dead-letters itself, are one
 * transaction. A run first opens its producer, which fences a run before it and waits until its
 * transaction has ended, then reads the notes, then the letters: what is noted is not put back
 * again, whenever and however often the command ends. There is no position to move: a letter that a
 * filter passes over simply waits. Notes are younger than their letters, so they stay at least as
 * long in a topic that is kept by time or size. */
#ifndef PROMOSTREAM_COMMANDS_DEAD_LETTERS_REPLAY_H
#define PROMOSTREAM_COMMANDS_DEAD_LETTERS_REPLAY_H

#define LETTER_AGAIN_MAX      3
#define LETTER_AGAIN_MAX_TEXT "3"

int command_dead_letters_replay(int argc, char **argv);

#endif
