/* side_table: one compacted side topic in memory: key -> row bytes, decoded where they are used (at
 * decisions only). Read to its true end before the first epoch, then kept up at epoch boundaries.
 * One thread. */
#ifndef PROMOSTREAM_SIDE_SIDE_TABLE_H
#define PROMOSTREAM_SIDE_SIDE_TABLE_H

#include "broker/broker.h"
#include "schemas/rows.h"

#define SIDE_METRICS(X)                                                                            \
    X(rows_total, COUNTER, "rows read from side topics")                                           \
    X(rows_refused_total, COUNTER, "rows that are not valid, kept out")                            \
    X(rows_dropped_total, COUNTER, "rows beyond the table's capacity")
METRICS_STRUCT(side_metrics, SIDE_METRICS)

struct side_table; /* open addressing over keys; bounded */
struct side_table *side_table_new(size_t rows_max);
void side_table_destroy(struct side_table *table);
/* value.data NULL removes the row. False if the table is full. Copies. */
bool side_table_put(struct side_table *table, struct bytes key, struct bytes value);
/* Row bytes, lent until the next put; size 0 = unknown. */
struct bytes side_table_get(const struct side_table *table, struct bytes key);
size_t side_table_count(const struct side_table *table);
size_t side_table_memory_bytes(const struct side_table *table);

struct side_config { /* section `side` */
    int64_t catalogue_rows_max, profiles_rows_max;
    int framing; /* enum wire_framing */
};
extern const struct config_table side_config_table;

/* Settings of the topic control. */
#define CONTROL_PAUSED      "paused"
#define CONTROL_CHAMPION    "champion/purchase" /* of those who say who will buy */
#define SIDE_NAME_BYTES_MAX 23                  /* of a learner's name */

/* All side topics of a worker. */
struct side {
    const struct side_config *config;
    struct side_table *catalogue, *profiles;
    bool is_paused; /* control: the last row of key "paused" */
    /* control: the last row of key "champion/purchase": the learner whose scores decide; "" = the
     * configured one. */
    char champion[SIDE_NAME_BYTES_MAX + 1];
    int64_t
        positions[ROW_SIDES_MAX]; /* control, catalogue, profiles, model(0): next offsets, summed */
    struct side_metrics metrics;
};
extern const enum topic side_topics[]; /* in the order of positions */
void side_init(struct side *side, const struct side_config *config);
void side_clean_up(struct side *side);
/* Takes what has arrived (everything, at the first call). */
MUST_CHECK struct failure side_poll(struct side *side, struct broker *broker);
/* False if unknown; texts lent until the next side_poll. */
bool side_catalogue_get(const struct side *side, struct bytes item_id,
                        struct catalogue_item_row *out);
bool side_profile_get(const struct side *side, struct bytes user_id, struct profile_row *out);

#endif
