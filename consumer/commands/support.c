#include "consumer/commands/support.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "broker/broker_failure.h"

#define STUCK_MAX_MS 15000

#define EXIT_LINE(id, number, help) " " #number "  " help "\n"
const char command_exit_status[] = COMMAND_EXITS(EXIT_LINE);
#undef EXIT_LINE

bool command_options(const struct option_page *page, int argc, char **argv, void *target,
                     int *out_exit) {
    const char *argument;
    return command_options_of(page, argc, argv, target, &argument, out_exit);
}

bool command_options_of(const struct option_page *page, int argc, char **argv, void *target,
                        const char **out_argument, int *out_exit) {
    struct option_arguments arguments;
    switch (options_parse(page, argc, argv, target, &arguments, stderr)) {
    case OPTIONS_OK:
        *out_argument = arguments.count > 0 ? arguments.items[0] : NULL;
        return true;
    case OPTIONS_HELP:
        options_help(page, stdout);
        *out_exit = COMMAND_OK;
        return false;
    case OPTIONS_ERROR:
        break;
    }
    *out_exit = COMMAND_USAGE;
    return false;
}

int command_load_config(const char *name, const char *path, struct pipeline_config *out) {
    struct failure failure = pipeline_config_load(path, stderr, out);
    if (failed(failure)) {
        fprintf(stderr, "%s: %s\n", name, failure.text);
        return COMMAND_USAGE;
    }
    return COMMAND_OK;
}

int command_exit_of(struct failure failure) {
    if (!failed(failure)) {
        return COMMAND_OK;
    }
    if (broker_failure_is_fenced(failure)) {
        return COMMAND_FENCED;
    }
    if (broker_failure_is_refused(failure)) {
        return COMMAND_REFUSED;
    }
    return broker_failure_is_unreachable(failure) ? COMMAND_UNREACHABLE : COMMAND_FAILED;
}

int command_failed(const char *name, struct failure failure) {
    fprintf(stderr, "%s: %s\n", name, failure.text);
    return command_exit_of(failure);
}

struct topic_read_request command_topic_request(const struct pipeline_config *config,
                                                enum topic topic) {
    return (struct topic_read_request){.bootstrap_servers = config->broker.bootstrap_servers,
                                       .kafka = &config->broker.kafka,
                                       .topic = config->topics.full[topic],
                                       .stuck_max_ms = STUCK_MAX_MS};
}

struct failure command_read_topic(const struct pipeline_config *config, enum topic topic,
                                  int32_t partition, broker_visit *visit, void *context,
                                  struct topic_read_result *out) {
    struct topic_read_request request = command_topic_request(config, topic);
    request.partition = partition;
    return topic_read(&request, visit, context, out);
}

struct failure command_count_partitions(const struct pipeline_config *config, enum topic topic,
                                        int32_t *out) {
    struct topic_read_request request = command_topic_request(config, topic);
    return topic_count(&request, out);
}

struct failure command_topic_end(const struct pipeline_config *config, enum topic topic,
                                 int32_t partition, int64_t *out) {
    struct topic_read_request request = command_topic_request(config, topic);
    request.partition = partition;
    return topic_end(&request, out);
}

struct failure command_check_output(const char *option, const char *path, bool is_replaced,
                                    const char *input) {
    struct stat there, read;
    bool is_there = path && stat(path, &there) == 0;
    if (is_there && is_replaced && !S_ISREG(there.st_mode)) {
        return failure_make(FAILURE_STOP, 0, "--%s: %s is no file", option, path);
    }
    if (is_there && stat(input, &read) == 0 && there.st_dev == read.st_dev &&
        there.st_ino == read.st_ino) {
        return failure_make(FAILURE_STOP, 0, "--%s: %s is what is read", option, path);
    }
    if (!path || (is_there && !is_replaced)) {
        return failure_none();
    }
    char *copy = memory_copy_text(bytes_of_text(path));
    bool has_folder = access(dirname(copy), W_OK) == 0;
    free(copy);
    return has_folder ? failure_none()
                      : failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno));
}
