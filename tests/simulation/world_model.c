/* The frozen lane's model: a learner that has read the examples of another stream, once for all
 * seeds; its versions lie in the topic `model` before anybody starts. */
#include "schemas/schemas.h"
#include "tests/simulation/world.h"
#include "tests/support/policy_loop.h"

#define TAUGHT_RECORDS 3000
#define TAUGHT_EPOCH   100

static struct buffer taught; /* framed: key, value, with lengths (policy_loop.c) */

static void learn_examples(const struct epoch *epoch, struct policy_loop *loop) {
    for (size_t i = 0; i < epoch->record_count; i++) {
        if (epoch->records[i].topic == TOPIC_EXAMPLES) {
            policy_loop_learn(loop, epoch_record_value(epoch, i));
        }
    }
}

static void teach(void) {
    static const struct stream_options options = {.records = TAUGHT_RECORDS,
                                                  .users = 60,
                                                  .gap_ms_max = 120000,
                                                  .jitter_ms_max = 30000,
                                                  .has_ids = true};
    struct bench bench;
    struct policy_loop loop;
    struct stream stream = {0};
    bench_init(&bench, world_config_text(LANE_FROZEN), 1);
    policy_loop_init(&loop, bench.config);
    stream_random(&stream, 4711, &options);
    for (size_t at = 0; at < stream.count; at += TAUGHT_EPOCH) {
        pipeline_begin(&bench.pipeline, &bench.epoch);
        partition_begin(&bench.partition);
        pipeline_clickstream(&bench.pipeline, &bench.partition, stream.records + at, TAUGHT_EPOCH);
        pipeline_finish(&bench.pipeline, &bench.partition, 0);
        learn_examples(&bench.epoch, &loop);
        epoch_clear(&bench.epoch);
    }
    buffer_append(&taught, buffer_bytes(&loop.published));
    stream_clean_up(&stream);
    policy_loop_clean_up(&loop);
    bench_clean_up(&bench);
}

static struct bytes take_sized(struct bytes *rest) {
    uint64_t size;
    memcpy(&size, rest->data, sizeof size);
    struct bytes bytes = bytes_of(rest->data + sizeof size, (size_t)size);
    *rest = bytes_of(bytes.data + size, rest->size - sizeof size - (size_t)size);
    return bytes;
}

void world_model_write(struct world *world) {
    if (taught.size == 0) {
        teach();
    }
    struct bytes rest = buffer_bytes(&taught);
    while (rest.size > 0) {
        struct bytes key = take_sized(&rest);
        struct bytes value = take_sized(&rest);
        cluster_append(&world->cluster, TOPIC_MODEL, 0, key, value, 0);
    }
}

void world_model_free(void) {
    buffer_clean_up(&taught);
}
