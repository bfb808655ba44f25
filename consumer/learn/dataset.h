/* dataset: typed rows in memory, for several passes and for parts that are held out. One thread. */
#ifndef PROMOSTREAM_LEARN_DATASET_H
#define PROMOSTREAM_LEARN_DATASET_H

#include "consumer/learn/rows.h"

struct dataset_row; /* private */

struct dataset {
    size_t number_count, name_count;
    size_t bytes, bytes_max; /* of all rows; dataset_add says no beyond it */
    struct dataset_row *rows;
    size_t count, capacity;
    uint8_t *chunk; /* newest; chunks form a list through their first bytes */
    size_t chunk_used, chunk_size;
    struct bytes *names; /* of the row that is out */
};

void dataset_init(struct dataset *dataset, const struct columns *columns, size_t bytes_max);
void dataset_clean_up(struct dataset *dataset); /* idempotent; a zeroed one is fine */
/* Copies the row. False: it would take more than bytes_max, nothing was added. */
bool dataset_add(struct dataset *dataset, const struct data_row *row);
/* Lent until the next call. */
void dataset_get(struct dataset *dataset, size_t index, struct data_row *out);

#endif
