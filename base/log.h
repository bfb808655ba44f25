/* log: one line per fact about the process or an epoch, never one per message.
 * Line: time, level, room, text, key=value ... A sink is safe to use from several threads. */
#ifndef PROMOSTREAM_BASE_LOG_H
#define PROMOSTREAM_BASE_LOG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_sink {
    FILE *out; /* NULL drops everything */
    enum log_level level;
    enum log_format format;
    struct clock clock;
};

struct log_sink log_to(FILE *out, enum log_level level, enum log_format format, struct clock clock);
/* room is the subject ("broker", "worker"); text is "what happened key=value key=value". Secrets
 * never. */
void log_line(const struct log_sink *sink, enum log_level level, const char *room,
              const char *format, ...) __attribute__((format(printf, 4, 5)));

#define log_debug(sink, room, ...) log_line((sink), LOG_DEBUG, (room), __VA_ARGS__)
#define log_info(sink, room, ...)  log_line((sink), LOG_INFO, (room), __VA_ARGS__)
#define log_warn(sink, room, ...)  log_line((sink), LOG_WARN, (room), __VA_ARGS__)
#define log_error(sink, room, ...) log_line((sink), LOG_ERROR, (room), __VA_ARGS__)

#endif
