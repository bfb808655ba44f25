#include "consumer/bench/bench_recovery.h"

#include <malloc.h>
#include <stdlib.h>

#include "broker/broker_ops.h"
#include "consumer/bench/bench_measure.h"
#include "consumer/recovery.h"
#include "consumer/side/side_table.h"
#include "schemas/schemas.h"

#define GROUP  64 /* as the seam's own */
#define ROUNDS 3

/* One partition's topics: an epoch that wrote all of its users, and its open decisions. */
struct memory_broker {
    struct broker broker; /* first: the seam's calls get a pointer to it */
    const struct epoch *epoch;
};

static struct failure read_to_end(struct broker *broker, enum topic topic, int32_t partition,
                                  broker_visit *visit, void *context) {
    const struct epoch *epoch = ((const struct memory_broker *)broker)->epoch;
    struct record group[GROUP];
    size_t count = 0;
    for (size_t i = 0; i < epoch->record_count; i++) {
        if (epoch->records[i].topic == topic) {
            group[count++] = (struct record){.key = epoch_record_key(epoch, i),
                                             .value = epoch_record_value(epoch, i),
                                             .timestamp_ms = -1,
                                             .offset = (int64_t)i,
                                             .partition = partition};
        }
        if (count == GROUP || i + 1 == epoch->record_count) {
            for (size_t at = 0; at < count; at++) {
                group[at].following = (uint32_t)(count - at - 1);
                visit(context, &group[at]);
            }
            count = 0;
        }
    }
    return failure_none();
}

static const struct broker_ops ops = {.read_to_end = read_to_end};

/* ---- what the topics hold ---- */

static void write_open_decisions(const struct partition *partition, const struct user_state *user,
                                 struct epoch *epoch) {
    for (size_t i = 0; user->active && i < user->active->open_count; i++) {
        char id[33];
        hash128_format(user->active->open[i].id, id);
        struct bytes key = bytes_of_text(id);
        struct buffer *out = epoch_begin(epoch, TOPIC_OPEN_DECISIONS, partition->number, key);
        wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_OPEN_DECISION, 0, out);
        buffer_append(out, side_table_get(partition->open_rows, key));
        epoch_end(epoch);
    }
}

/* As if every user had changed in this epoch. */
static void write_partition(struct bench_engine *engine, struct partition *partition) {
    struct user_store *store = &partition->store;
    epoch_clear(&engine->epoch);
    pipeline_begin(&engine->pipeline, &engine->epoch);
    partition_begin(partition);
    partition->is_touched = true;
    for (uint32_t slot = 0; slot < store->slot_count; slot++) {
        const struct user_slot *tenant = user_store_get(store, slot);
        if (tenant->is_used) {
            user_store_mark_changed(store, slot);
            write_open_decisions(partition, &tenant->state, &engine->epoch);
        }
    }
    pipeline_finish(&engine->pipeline, partition, (int64_t)engine->stream.event_ms);
}

/* ---- reading it back ---- */

static struct failure read_back(struct bench_engine *engine, const struct partition *written,
                                struct partition *out, int64_t *out_ns) {
    struct memory_broker broker = {.broker = {&ops}, .epoch = &engine->epoch};
    struct log_sink log = {0};
    struct state_metrics metrics = {0};
    struct recovery recovery = {.broker = &broker.broker, .log = &log, .metrics = &metrics};
    struct assignment assignment = {.partition = written->number, .epoch = written->epoch};
    memcpy(assignment.next_offset, written->next_offset, sizeof assignment.next_offset);
    int64_t begin_ns = bench_cpu_ns();
    partition_init(out, written->number, written->store.users_max, engine->zones);
    struct failure failure = recovery_run(&recovery, &assignment, out);
    *out_ns = bench_cpu_ns() - begin_ns;
    return failure;
}

/* All partitions, which stay until the last is there, as in a worker. */
static struct failure read_all(struct bench_engine *engine, double *out_user_ns) {
    size_t count = (size_t)engine->settings.stream.partitions, done = 0;
    struct partition *copies = memory_new(count, sizeof *copies);
    struct failure failure = failure_none();
    int64_t ns = 0, users = 0;
    for (; done < count && !failed(failure); done++) {
        struct partition *partition = &engine->partitions[done];
        int64_t spent_ns;
        write_partition(engine, partition);
        failure = read_back(engine, partition, &copies[done], &spent_ns);
        ns += spent_ns;
        users += partition->store.count;
    }
    *out_user_ns = (double)ns / (double)(users > 0 ? users : 1);
    for (size_t i = 0; i < done; i++) {
        partition_clean_up(&copies[i]);
    }
    free(copies);
    malloc_trim(0); /* a process that starts has its memory from the kernel, page by page */
    return failure;
}

struct failure bench_recovery(struct bench_engine *engine, double *out_user_ns) {
    double user_ns[ROUNDS] = {0}, first_ns;
    struct failure failure = read_all(engine, &first_ns); /* memory that the machine gives */
    for (size_t round = 0; round < ROUNDS && !failed(failure); round++) {
        failure = read_all(engine, &user_ns[round]);
    }
    *out_user_ns = bench_median(user_ns, ROUNDS);
    return failure;
}
