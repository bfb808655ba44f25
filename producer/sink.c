#include "producer/sink.h"

#include <stdlib.h>

#include "base/buffer.h"

struct failure sink_send(struct sink *sink, const struct sink_record *record) {
    struct failure failure = sink->ops->send(sink, record);
    sink->sent += !failed(failure);
    return failure;
}

struct failure sink_flush(struct sink *sink) {
    return sink->ops->flush(sink);
}

struct failure sink_finish(struct sink *sink) {
    return sink->ops->finish(sink);
}

void sink_destroy(struct sink *sink) {
    if (sink) {
        sink->ops->destroy(sink);
    }
}

static struct failure null_send(struct sink *sink, const struct sink_record *record) {
    (void)sink;
    (void)record;
    return failure_none();
}

static struct failure null_flush(struct sink *sink) {
    (void)sink;
    return failure_none();
}

static void null_destroy(struct sink *sink) {
    free(sink);
}

static const struct sink_ops null_ops = {
    .send = null_send, .flush = null_flush, .finish = null_flush, .destroy = null_destroy};

struct sink *sink_null_new(void) {
    struct sink *sink = memory_new(1, sizeof *sink);
    sink->ops = &null_ops;
    return sink;
}
