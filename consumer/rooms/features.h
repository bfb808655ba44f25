/* features: what is known of a user at a trigger, as named raw values, frozen into the decision.
 *
 * Raw means: no running moments, no scaling; a missing value is NaN or an empty name, never 0. Learners derive from
 * raw values by METHODS 0 rule 10: log1p, 16 fixed log-spaced buckets, and a linear term of fixed scale
 * (feature_bucket below). The table of names is the documentation (promostream features prints it); any change of it
 * raises FEATURE_VERSION. */
#ifndef PROMOSTREAM_ROOMS_FEATURES_H
#define PROMOSTREAM_ROOMS_FEATURES_H

#include "consumer/rooms/decision.h"
#include "schemas/user_state.h"

#define FEATURE_VERSION 1

struct feature_row {
    const char *name; /* "viewed_1h" */
    const char *unit; /* "count (decayed)", "s", "currency", "share" */
    const char *help;
};
extern const struct feature_row feature_numbers[]; /* feature_number_count of them, in the order of decision.numbers */
extern const size_t feature_number_count;
extern const struct feature_row feature_names[]; /* categorical, in the order of decision.names */
extern const size_t feature_name_count;

/* What the side topics know, looked up by the caller; NULL where unknown. */
struct feature_context {
    const struct profile_row *profile;
    const struct catalogue_item_row *top_item; /* of the dearest line of the cart, else the newest viewed item */
    struct bytes top_item_id;
    struct bytes zone_name;
    int local_hour, local_weekday; /* in the user's zone at decided_ms; -1 = unknown */
    double margin;                 /* as in struct decision */
};

/* Fills numbers, names, feature_version of decision from the user's state at decision->decided_ms (counters decayed to
 * that instant). `origin` is the trigger's name. Names are borrowed from context, state or constants. Pure. */
void features_capture(const struct user_state *user, const struct feature_context *context, struct decision *decision);

/* Value of a decayed counter at now_ms (never grows when now_ms < last_ms). */
double counter_at(const struct decayed_counter *counter, int half_life, int64_t now_ms);

/* METHODS 0 rule 10: bucket 0..15 of log1p(value), log-spaced with fixed edges up to 1e6; -1 for NaN; negatives are 0. */
int feature_bucket(double value);

#endif
