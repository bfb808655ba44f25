/* clean: is this event fit to be folded? Every event gets one verdict, counted; those that are
 * refused go to dead-letters with the verdict as reason (duplicates only are counted). Reads
 * nothing but the event, its record and the partition's watermark; the duplicate and bot rules,
 * which need the user, are asked by state. */
#ifndef PROMOSTREAM_ROOMS_CLEAN_H
#define PROMOSTREAM_ROOMS_CLEAN_H

#include "base/config.h"
#include "base/metrics.h"
#include "schemas/event.h"

/* X(enumerator, name, help) */
#define CLEAN_VERDICTS(X)                                                                          \
    X(CLEAN_OK, "ok", "folded into state")                                                         \
    X(CLEAN_LATE, "late",                                                                          \
      "behind the watermark: updates counters, closes carts, opens no trigger")                    \
    X(CLEAN_DUPLICATE, "duplicate", "its event id is among the user's last 16")                    \
    X(CLEAN_MISSING_USER, "missing_user", "neither a user id nor a key")                           \
    X(CLEAN_FUTURE, "future",                                                                      \
      "event time beyond record time + max_skew; never moves the watermark")                       \
    X(CLEAN_BAD_TIME, "bad_time", "event time outside 1990..2200")                                 \
    X(CLEAN_WRONG_PARTITION, "wrong_partition",                                                    \
      "feedback for a decision that is not open in this partition")                                \
    X(CLEAN_NOT_FEEDBACK, "not_feedback",                                                          \
      "a shop event on push-feedback, or feedback on the clickstream")

#define CLEAN_VERDICT_ENUM(id, name, help) id,
enum clean_verdict { CLEAN_VERDICTS(CLEAN_VERDICT_ENUM) CLEAN_VERDICT_COUNT };
const char *clean_verdict_name(enum clean_verdict verdict);

struct clean_config { /* section `clean` */
    int64_t lateness_ms, max_skew_ms;
    double price_max;
    struct config_text_list bot_user_agents; /* lower-case pieces looked for in user_agent */
};
extern const struct config_table clean_config_table;

/* Conservation, asserted at each epoch's end: polled = undecodable + refused + duplicates +
 * applied. */
#define CLEAN_METRICS(X)                                                                           \
    X(polled_total, COUNTER, "records handed to decode")                                           \
    X(undecodable_total, COUNTER, "records that are not an event; in dead-letters")                \
    X(refused_total, COUNTER, "events that clean refused; in dead-letters")                        \
    X(duplicates_total, COUNTER, "events seen before; dropped")                                    \
    X(applied_total, COUNTER, "events folded into state, late ones included")                      \
    X(late_total, COUNTER, "of these: behind the watermark")                                       \
    X(future_total, COUNTER, "refused: event time in the future")                                  \
    X(bad_time_total, COUNTER, "refused: event time outside 1990..2200")                           \
    X(missing_user_total, COUNTER, "refused: no user")                                             \
    X(wrong_partition_total, COUNTER, "refused: feedback in the wrong partition")                  \
    X(not_feedback_total, COUNTER, "refused: event on the wrong topic")                            \
    X(key_mismatch_total, COUNTER, "events whose user id is not the record's key")                 \
    X(prices_clipped_total, COUNTER, "absurd prices clipped to price_max")                         \
    X(dead_letters_cut_total, COUNTER, "dead letters too long to be kept whole")                   \
    X(bot_events_total, COUNTER, "events of bot suspects: state kept, no trigger")
METRICS_STRUCT(clean_metrics, CLEAN_METRICS)

struct clean {
    const struct clean_config *config;
    struct clean_metrics metrics;
};

/* Looks at the event alone: fills a missing user from the key, clips prices, checks times.
 * is_feedback: which topic. timestamp_ms: the record's, -1 = none. CLEAN_OK or the reason of
 * refusal. */
enum clean_verdict clean_event(struct clean *clean, struct event *event, struct bytes key,
                               int64_t timestamp_ms, bool is_feedback);
/* Does the user agent name a bot? */
bool clean_is_bot_agent(const struct clean *clean, struct bytes user_agent);
/* Counts a final verdict. */
void clean_count(struct clean *clean, enum clean_verdict verdict);

#endif
