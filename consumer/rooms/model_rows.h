/* model_rows: a set of model rows by key, the newest of each, in the order of their first arrival.
 * What a reader has not applied yet lies in one, and what a trainer has not published yet. Copies;
 * buffers are kept over model_rows_clear. One thread. */
#ifndef PROMOSTREAM_ROOMS_MODEL_ROWS_H
#define PROMOSTREAM_ROOMS_MODEL_ROWS_H

#include "base/buffer.h"
#include "base/slot_index.h"
#include "model/learner.h"
#include "schemas/rows.h"

struct model_rows_item {
    char key[LEARNER_ROW_KEY_MAX]; /* NUL-terminated */
    enum learner_row_kind kind;
    struct buffer values;
    int64_t version_offset;
    bool is_refused; /* it must not be imported */
    bool is_gone;    /* a tombstone: there is nothing to import any more */
};

struct model_rows {
    struct model_rows_item *items; /* count of them are in use */
    size_t count, capacity, refused_count;
    struct slot_index index;
};

void model_rows_init(struct model_rows *rows);
void model_rows_clean_up(struct model_rows *rows); /* idempotent */
void model_rows_clear(struct model_rows *rows);
/* The row in place of the one with its key. row->values are not looked at where it is gone. */
void model_rows_put(struct model_rows *rows, const struct learner_row *row, int64_t version_offset,
                    bool is_refused, bool is_gone);
/* Moves all of from into rows, over what is there; from is empty then. */
void model_rows_merge(struct model_rows *rows, struct model_rows *from);
/* As the learner's interface takes it; lent until the next change. */
struct learner_row model_rows_get(const struct model_rows *rows, size_t index);

/* The rows as a version of that learner on the topic `model`, whole being the next example offset:
 * each with its key, "version" last. */
typedef void model_rows_put_record(void *context, struct bytes key, const struct model_row *row);
void model_rows_write_version(const struct model_rows *rows, const char *learner, int64_t whole,
                              model_rows_put_record *put, void *context);

#endif
