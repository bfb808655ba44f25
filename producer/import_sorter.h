/* import_sorter: encoded events held in memory, to be sent in time order (`clickfeed import
 * --sort`). Stable: events of equal time keep the order in which they were added. Costs the encoded
 * bytes and 24 bytes an event. One thread. */
#ifndef PROMOSTREAM_PRODUCER_IMPORT_SORTER_H
#define PROMOSTREAM_PRODUCER_IMPORT_SORTER_H

#include "base/buffer.h"
#include "producer/sink.h"

struct import_held {
    int64_t timestamp_ms;
    size_t at; /* of the key in data, the body follows */
    uint32_t key_size, body_size;
};

struct import_sorter {
    struct buffer data;
    struct import_held *held;
    size_t count, capacity;
};

void import_sorter_init(struct import_sorter *sorter);
void import_sorter_clean_up(struct import_sorter *sorter);
/* Copies the record's bytes; its partition is not kept (-1). */
void import_sorter_add(struct import_sorter *sorter, const struct sink_record *record);
void import_sorter_sort(struct import_sorter *sorter);
/* Lent until the next add or clean_up. */
struct sink_record import_sorter_at(const struct import_sorter *sorter, size_t index);

#endif
