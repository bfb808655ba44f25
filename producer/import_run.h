/* import_run: the loop of `clickfeed import`: rows in, events out in time order, everything
 * counted.
 *
 *     init -> file ... file -> end -> clean_up
 *
 * Events go out in the order of the files unless plan->is_sorted: then they are held until `end`. A
 * row earlier than one before it is counted as out of order either way. One thread. */
#ifndef PROMOSTREAM_PRODUCER_IMPORT_RUN_H
#define PROMOSTREAM_PRODUCER_IMPORT_RUN_H

#include <signal.h>
#include <stdio.h>

#include "producer/import.h"
#include "producer/import_sorter.h"
#include "producer/pace.h"
#include "producer/progress.h"

#define IMPORT_EXAMPLES_MAX 5 /* rejected rows shown */

struct import_plan {
    const char *name; /* begins every line on `errors`: "clickfeed import" */
    const struct import_format *format;
    struct import_settings settings;
    struct csv_config csv;
    bool is_sorted;
    int64_t limit;     /* events, 0 = all */
    double per_second; /* 0 = no limit */
    FILE *errors;      /* examples of rejected rows; NULL = none */
    FILE *progress;    /* NULL = none */
    const volatile sig_atomic_t *stop;
};

struct import_counts {
    int64_t rows, sent, out_of_order;
    int64_t by_verdict[IMPORT_VERDICT_COUNT];
    int64_t first_ms, last_ms; /* least and largest event time, INT64_MIN = no event */
};
int64_t import_counts_rejected(const struct import_counts *counts);

struct import_run {
    const struct import_plan *plan;
    struct sink *sink;
    struct import_counts counts;
    struct import_sorter sorter;
    struct pace pace;
    struct progress progress;
    struct buffer body; /* the event being sent, encoded */
    double share;       /* of the file read */
};

/* plan and sink are borrowed. */
void import_run_init(struct import_run *run, const struct import_plan *plan, struct sink *sink);
/* Imports one file ("-" = standard input). STOP when it cannot be read or sent; rows before that
 * are imported. */
MUST_CHECK struct failure import_run_file(struct import_run *run, const char *path);
/* Sends what is held for sorting. Does not wait for acknowledgements: sink_finish does. */
MUST_CHECK struct failure import_run_end(struct import_run *run);
/* True when the limit is reached or a stop was asked for. */
bool import_run_is_over(const struct import_run *run);
void import_run_clean_up(struct import_run *run);

#endif
