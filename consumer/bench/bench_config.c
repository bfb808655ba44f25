#include "consumer/bench/bench_config.h"

#include <string.h>

struct failure bench_config_check(const struct pipeline_config *config) {
    bool reads_it =
        config->decode.format == FORMAT_AVRO && config->decode.framing == WIRE_SINGLE_OBJECT;
    return reads_it ? failure_none()
                    : failure_make(FAILURE_STOP, 0,
                                   "the stream is of our own event.avsc: decode must have "
                                   "format: avro and framing: single_object");
}

/* The line at *at, its end included; *at moves behind it. */
static struct bytes next_line(struct bytes text, size_t *at) {
    const uint8_t *begin = text.data + *at;
    const uint8_t *end = memchr(begin, '\n', text.size - *at);
    size_t size = end ? (size_t)(end - begin) + 1 : text.size - *at;
    *at += size;
    return bytes_of(begin, size);
}

static bool begins_section(struct bytes line) {
    return line.size > 0 && strchr(" \t#\r\n", line.data[0]) == NULL;
}

static bool begins_topics(struct bytes line) {
    struct bytes key = bytes_of_text("topics:");
    return line.size >= key.size && memcmp(line.data, key.data, key.size) == 0;
}

void bench_config_with_prefix(struct bytes text, const char *prefix, int64_t replication_factor,
                              struct buffer *out) {
    bool is_topics = false;
    for (size_t at = 0; at < text.size;) {
        struct bytes line = next_line(text, &at);
        is_topics = begins_section(line) ? begins_topics(line) : is_topics;
        if (!is_topics) {
            buffer_append(out, line);
        }
    }
    buffer_format(out, "\ntopics: {prefix: %s, replication_factor: %lld}\n", prefix,
                  (long long)replication_factor);
}
