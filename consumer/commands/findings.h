/* findings: what a check found, one line each, and how they are printed. Owns its texts. One
 * thread. */
#ifndef PROMOSTREAM_COMMANDS_FINDINGS_H
#define PROMOSTREAM_COMMANDS_FINDINGS_H

#include "base/buffer.h"
#include "broker/topics.h"

struct finding {
    enum topic_finding_level level;
    char *subject; /* "topic clickstream", "sample" */
    char *text;
};

struct findings {
    struct finding *items;
    size_t count, capacity;
};

void findings_clean_up(struct findings *findings); /* a zeroed one is fine */
void findings_add(struct findings *findings, enum topic_finding_level level, const char *subject,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
size_t findings_count(const struct findings *findings, enum topic_finding_level level);
/* "error: subject: text" a line, errors last so that they stand where the eye is. */
void findings_write(const struct findings *findings, struct buffer *out);
/* A JSON array. */
void findings_write_json(const struct findings *findings, struct buffer *out);

#endif
