/* import_options: the command line of `clickfeed import`, checked whole, and the plan that it
 * makes. */
#ifndef PROMOSTREAM_PRODUCER_IMPORT_OPTIONS_H
#define PROMOSTREAM_PRODUCER_IMPORT_OPTIONS_H

#include "base/options.h"
#include "producer/import_run.h"
#include "producer/target.h"

#define IMPORT_NAME "clickfeed import"

/* As typed; the target's options come first (target.h). */
struct import_options {
    struct target_options target;
    struct option_list map;
    int consent, time_format;
    const char *timezone, *currency, *separator, *summary_file;
    int64_t limit, row_bytes_max;
    double rate;
    bool is_sorted, is_quiet, is_json;
};

/* Reads argv into the three. The plan borrows from options and argv; its stop is left NULL. After
 * OPTIONS_HELP the page has been printed, after OPTIONS_ERROR every error. */
enum options_verdict import_options_parse(int argc, char **argv, struct import_options *out,
                                          struct import_plan *out_plan,
                                          struct option_arguments *out_files);

#endif
