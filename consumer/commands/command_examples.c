/* examples: the topic examples in a file, for `learn` and for other programs. */
#include <stdio.h>
#include <unistd.h>

#include "consumer/commands/support.h"
#include "consumer/learn/example_file.h"
#include "schemas/container.h"
#include "schemas/rows.h"

struct examples_options {
    const char *config, *file;
};

static const struct option_row rows[] = {
    COMMAND_CONFIG_ROW(struct examples_options),
    {.name = "file",
     .letter = 'f',
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = offsetof(struct examples_options, file),
     .is_required = true,
     .help = "Where to write them."},
};

static const struct option_page page = {
    .name = "promostream examples",
    .summary = "write the examples that learners learn from to a file",
    .synopsis = "--file FILE [--config FILE]",
    .description =
        "Writes the topic `examples`, as it is committed now, to an Avro container file "
        "(schemas/logged_example.avsc): frozen features, what was done, what came of it, and the "
        "offset on the topic. promostream learn reads it, with --pipeline as the trainer would, "
        "and so does every Avro library.",
    .exit_status = command_exit_status,
    .examples = " promostream examples --file examples.avro\n"
                " promostream learn examples.avro --pipeline pipeline.yaml --as challenger --save "
                "c.psm",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

struct writing {
    struct container_writer *writer;
    struct buffer body;
    struct example_row row;
    int64_t written, unreadable; /* unreadable: the trainer does not take them either */
    struct failure failure;      /* the first */
    bool is_enough;              /* it failed, or somebody asked to stop */
};

static void visit(void *context, const struct record *record) {
    struct writing *writing = context;
    struct bytes body;
    writing->is_enough = stop_requested || failed(writing->failure);
    if (writing->is_enough) {
        return;
    }
    if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, record->value, &body) ||
        !example_decode(body, &writing->row)) {
        writing->unreadable++;
        return;
    }
    writing->failure = example_file_write(writing->writer, body, record->offset, &writing->body);
    writing->written++;
}

static struct failure write_all(const struct pipeline_config *config, const char *path,
                                struct writing *writing) {
    const char *topic = config->topics.full[TOPIC_EXAMPLES];
    struct topic_read_request request = command_topic_request(config, TOPIC_EXAMPLES);
    struct topic_read_result result;
    request.is_enough = &writing->is_enough;
    struct failure failure = container_writer_new(path, SCHEMA_LOGGED_EXAMPLE, &writing->writer);
    if (failed(failure)) {
        return failure;
    }
    failure = topic_read(&request, visit, writing, &result);
    failure = failed(failure) ? failure : writing->failure;
    if (!failed(failure) && writing->is_enough) {
        failure = failure_make(FAILURE_STOP, 0, "stopped: %s is not written", path);
    }
    if (!failed(failure) && result.partition_count == 0) {
        failure = failure_make(FAILURE_STOP, 0, "there is no topic %s", topic);
    }
    if (!failed(failure) && !result.is_whole) {
        failure =
            failure_make(FAILURE_RETRY, 0, "%s: an open transaction hides the newest rows", topic);
    }
    struct failure closed = container_writer_close(writing->writer);
    failure = failed(failure) ? failure : closed;
    if (failed(failure)) {
        (void)unlink(path);
    }
    return failure;
}

int command_examples(int argc, char **argv) {
    struct examples_options options = {0};
    struct pipeline_config config;
    struct writing writing = {.writer = NULL};
    int code = COMMAND_OK;
    if (!command_options(&page, argc, argv, &options, &code)) {
        return code;
    }
    code = command_load_config(page.name, options.config, &config);
    if (code != COMMAND_OK) {
        return code;
    }
    struct failure failure = write_all(&config, options.file, &writing);
    if (failed(failure)) {
        code = command_failed(page.name, failure);
    } else {
        printf("%s: %lld examples of %s\n", options.file, (long long)writing.written,
               config.topics.full[TOPIC_EXAMPLES]);
    }
    if (!failed(failure) && writing.unreadable > 0) {
        printf("%lld records are no examples of this build: left out\n",
               (long long)writing.unreadable);
    }
    buffer_clean_up(&writing.body);
    pipeline_config_clean_up(&config);
    return code;
}
