/* epoch: the unit of atomicity: output records and input offsets of one transaction, in one buffer.
 * The worker fills it, the broker's commit thread sends it; bytes are copied in once and live until
 * the commit. */
#ifndef PROMOSTREAM_BROKER_EPOCH_H
#define PROMOSTREAM_BROKER_EPOCH_H

#include "base/buffer.h"
#include "broker/topics.h"

struct epoch_record {
    enum topic topic;
    int32_t partition;
    size_t key_at, key_size; /* in data */
    size_t value_at, value_size;
    bool is_tombstone; /* null value */
};

struct epoch_offset {
    int input; /* enum broker_input */
    int32_t partition;
    int64_t next_offset; /* the offset to commit: last processed + 1 */
    int64_t epoch;       /* the partition's epoch number, for the offset's metadata */
};

struct epoch {
    struct buffer data;
    struct epoch_record *records;
    size_t record_count, record_capacity;
    struct epoch_offset *offsets;
    size_t offset_count, offset_capacity;
};

void epoch_init(struct epoch *epoch);
void epoch_clean_up(struct epoch *epoch);
void epoch_clear(struct epoch *epoch);
/* Begins a record: copies the key; write the value by appending to the returned buffer, then call
 * epoch_end. */
struct buffer *epoch_begin(struct epoch *epoch, enum topic topic, int32_t partition,
                           struct bytes key);
void epoch_end(struct epoch *epoch);
void epoch_tombstone(struct epoch *epoch, enum topic topic, int32_t partition, struct bytes key);
void epoch_offset(struct epoch *epoch, int input, int32_t partition, int64_t next_offset,
                  int64_t number);
struct bytes epoch_record_key(const struct epoch *epoch, size_t index);
struct bytes epoch_record_value(const struct epoch *epoch, size_t index);

#endif
