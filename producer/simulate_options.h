/* simulate_options: the command line of `clickfeed simulate`, checked whole. */
#ifndef PROMOSTREAM_PRODUCER_SIMULATE_OPTIONS_H
#define PROMOSTREAM_PRODUCER_SIMULATE_OPTIONS_H

#include "base/options.h"
#include "producer/shop.h"
#include "producer/target.h"

#define SIMULATE_NAME "clickfeed simulate"

/* As typed; the target's options come first (target.h). */
struct simulate_options {
    struct target_options target;
    const char *world, *truth, *causes, *listen, *feedback_topic, *catalogue_topic, *profiles_topic,
        *summary_file;
    int64_t seed, users, days, start_ms, count, listen_grace_ms;
    int nuisance; /* enum shop_switch */
    int policy;   /* enum shop_policy */
    int64_t report_from_day;
    double consent_granted, consent_denied, rate, speed;
    bool prints_world, is_quiet, is_json;
};

/* Reads argv. After OPTIONS_HELP the page has been printed, after OPTIONS_ERROR every error. */
enum options_verdict simulate_options_parse(int argc, char **argv, struct simulate_options *out);
/* The part that the shop itself takes; borrows from options. */
struct shop_options simulate_shop_options(const struct simulate_options *options);

#endif
