#include "consumer/commands/control_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "broker/producer_simple.h"
#include "consumer/ops/printable.h"
#include "schemas/schemas.h"

#define ACK_TIMEOUT_MS 30000

void control_name_of_process(char out[CONTROL_WHO_BYTES_MAX]) {
    char host[128] = "";
    const char *user = getenv("USER");
    if (gethostname(host, sizeof host - 1) != 0) {
        host[0] = '\0';
    }
    snprintf(out, CONTROL_WHO_BYTES_MAX, "%s@%s", user && *user ? user : "unknown", host);
}

struct failure control_row_send(const struct pipeline_config *config,
                                const struct control_row *row) {
    const char *topic = config->topics.full[TOPIC_CONTROL];
    struct producer_simple *producer = NULL;
    struct failure failure =
        producer_simple_open(config->broker.bootstrap_servers, &config->broker.kafka, &producer);
    if (failed(failure)) {
        return failure;
    }
    bool is_created = false;
    if (config->topics.create) {
        failure = producer_simple_create_topic(producer, topic, 1,
                                               (int)config->topics.replication_factor, &is_created);
    }
    struct buffer value;
    buffer_init(&value, 256);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_CONTROL, 0, &value);
    control_encode(row, &value);
    if (!failed(failure)) {
        failure = producer_simple_send(producer, topic, 0, row->setting, buffer_bytes(&value),
                                       row->changed_ms);
    }
    if (!failed(failure)) {
        failure = producer_simple_flush(producer, ACK_TIMEOUT_MS);
    }
    buffer_clean_up(&value);
    producer_simple_close(producer);
    return failure;
}

static bool is_bare(struct bytes value) {
    return bytes_equal(value, bytes_of_text("true")) || bytes_equal(value, bytes_of_text("false"));
}

void control_row_print_json(const struct control_row *row, const char *topic) {
    struct buffer out;
    buffer_init(&out, 512);
    buffer_append(&out, bytes_of_text("{\"setting\":"));
    printable_append_json(&out, row->setting);
    buffer_append(&out, bytes_of_text(",\"value\":"));
    if (is_bare(row->value)) {
        buffer_append(&out, row->value);
    } else {
        printable_append_json(&out, row->value);
    }
    buffer_append(&out, bytes_of_text(",\"topic\":"));
    printable_append_json(&out, bytes_of_text(topic));
    buffer_append(&out, bytes_of_text(",\"changed_by\":"));
    printable_append_json(&out, row->changed_by);
    buffer_append(&out, bytes_of_text(",\"why\":"));
    printable_append_json(&out, row->why);
    buffer_format(&out, ",\"changed_ms\":%" PRId64 "}\n", row->changed_ms);
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&out);
}
