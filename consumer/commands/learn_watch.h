/* learn_watch: what is seen on standard error while `learn` works: the columns, then a line of
 * progress, written over every second on a terminal, a plain one every 10 s elsewhere. SIGTERM and
 * SIGINT stop the run in order. Main thread. */
#ifndef PROMOSTREAM_COMMANDS_LEARN_WATCH_H
#define PROMOSTREAM_COMMANDS_LEARN_WATCH_H

#include "consumer/learn/run.h"

struct learn_watch {
    bool is_quiet, is_terminal, has_open_line;
    int64_t begin_ns, last_ns;
};

struct learn_watch learn_watch_make(bool is_quiet);
struct run_listener learn_watch_listener(struct learn_watch *watch); /* borrows it */
void learn_watch_end(struct learn_watch *watch); /* so that other text may follow */

#endif
