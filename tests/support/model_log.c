#include "tests/support/model_log.h"

#include <assert.h>

void model_log_publish(struct model_log *log, struct policy_loop *loop, struct score *score) {
    if (!loop->has_version) {
        return;
    }
    buffer_append(&log->rows, buffer_bytes(&loop->published));
    policy_loop_publish(loop, score);
    assert(log->count < sizeof log->offsets / sizeof log->offsets[0]);
    log->offsets[log->count] = score->models[0].version_offset;
    log->ends[log->count++] = log->rows.size;
}

static struct bytes take_sized(const struct buffer *rows, size_t *at) {
    uint64_t size;
    memcpy(&size, rows->data + *at, sizeof size);
    struct bytes bytes = bytes_of(rows->data + *at + sizeof size, (size_t)size);
    *at += sizeof size + (size_t)size;
    return bytes;
}

void model_log_deliver(const struct model_log *log, size_t *position, int64_t version_offset,
                       struct score *score) {
    size_t end = *position;
    for (size_t i = 0; i < log->count; i++) {
        end = log->offsets[i] == version_offset ? log->ends[i] : end;
    }
    bool has_news = *position < end;
    while (*position < end) {
        struct bytes key = take_sized(&log->rows, position);
        struct bytes value = take_sized(&log->rows, position);
        score_take_record(score, key, value);
    }
    if (has_news) {
        score_settle(score);
    }
    assert(score->models[0].version_offset == version_offset);
}

int64_t model_log_last(const struct model_log *log) {
    return log->count > 0 ? log->offsets[log->count - 1] : 0;
}

void model_log_clean_up(struct model_log *log) {
    buffer_clean_up(&log->rows);
}
