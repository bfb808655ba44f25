/* The seam while its broker is killed and comes back, twice: every input record has exactly one
 * output. The test has a broker of its own (kafka.sh), since it kills it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "tests/support/kafka_member.h"

#define RECORDS   400 /* a partition, in each of the rounds */
#define ROUNDS    3
#define EPOCH_MAX 37 /* records of an epoch, so that kills fall between and into epochs */
#define COMMAND   "tests/kafka/kafka.sh "
#define OUTAGE_S  120

/* What an epoch has gathered: positions of input records. */
struct gathered {
    struct record records[10000];
    size_t count;
};

static void gather(void *context, const struct record *record) {
    struct gathered *gathered = context;
    assert_true(gathered->count < sizeof gathered->records / sizeof gathered->records[0]);
    gathered->records[gathered->count++] = *record;
}

static void command(const char *what, const char *folder, const char *rest) {
    char text[300];
    snprintf(text, sizeof text, COMMAND "%s %s %s", what, folder, rest);
    assert_int_equal(system(text), 0);
}

/* One output record for each gathered one, in slices, so that commits are many. */
static void submit_all(struct member *member, struct gathered *gathered, int64_t *number) {
    int64_t next[PARTITIONS];
    for (int32_t p = 0; p < PARTITIONS; p++) {
        next[p] = member->next[p][INPUT_CLICKSTREAM];
    }
    for (size_t i = 0; i < gathered->count; i++) {
        member->next[gathered->records[i].partition][INPUT_CLICKSTREAM] =
            gathered->records[i].offset + 1;
        struct epoch *epoch = broker_epoch(member->broker);
        struct buffer *out = epoch_begin(epoch, TOPIC_PROMOTION_DECISIONS,
                                         gathered->records[i].partition, bytes_of("k", 1));
        buffer_format(out, "%lld", (long long)gathered->records[i].offset);
        epoch_end(epoch);
        if ((i + 1) % EPOCH_MAX == 0 || i + 1 == gathered->count) {
            /* Partitions that this slice did not reach stay where the records before it ended. */
            for (size_t j = i + 1; j < gathered->count; j++) {
                const struct record *later = &gathered->records[j];
                if (later->offset < member->next[later->partition][INPUT_CLICKSTREAM]) {
                    member->next[later->partition][INPUT_CLICKSTREAM] = later->offset;
                }
            }
            member_add_offsets(member, epoch, (*number)++);
            struct failure failure = broker_submit(member->broker, epoch);
            assert_string_equal(failure.text, "");
        }
    }
    for (int32_t p = 0; p < PARTITIONS; p++) {
        assert_int_equal(member->next[p][INPUT_CLICKSTREAM], next[p]);
    }
    gathered->count = 0;
    broker_release(member->broker);
}

static bool is_done(const struct member *member, int64_t end) {
    bool is_done = member->owned_count == PARTITIONS;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        is_done = is_done && member->next[p][INPUT_CLICKSTREAM] == end;
    }
    return is_done;
}

/* Works until everything up to end is committed. */
static void work_to(struct member *member, struct gathered *gathered, int64_t end,
                    int64_t *number) {
    int64_t until_ms = test_now_ms() + OUTAGE_S * 1000;
    bool is_committed = false;
    while (!is_committed && test_now_ms() < until_ms) {
        int before = member->lost + member->revoked;
        member_poll(member);
        if (member->lost + member->revoked != before) {
            gathered->count = 0;
        }
        submit_all(member, gathered, number);
        if (is_done(member, end)) {
            is_committed = member_drain(member);
        }
    }
    assert_true(is_committed);
}

static void count_offset(void *context, const struct record *record) {
    int *counts = context;
    char text[20];
    snprintf(text, sizeof text, "%.*s", BYTES_ARG(record->value));
    int offset = atoi(text);
    assert_in_range(offset, 0, RECORDS * ROUNDS - 1);
    counts[offset]++;
}

/* The broker outlives no test, however that ends. */
static int start_own(void **state) {
    char folder[] = "/tmp/promostream-outage-XXXXXX";
    assert_non_null(mkdtemp(folder));
    *state = memory_copy_text(bytes_of_text(folder));
    command("start", folder, "");
    return 0;
}

static int end_own(void **state) {
    char text[200];
    /* A start may still wait for the broker: it ends with it. */
    command("kill", *state, "");
    snprintf(text, sizeof text, "rm -rf %s", (char *)*state);
    free(*state);
    return system(text) == 0 ? 0 : -1;
}

static void read_address(const char *folder, char out[60]) {
    char path[100], port[20] = "";
    snprintf(path, sizeof path, "%s/port", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(port, sizeof port, file));
    fclose(file);
    port[strcspn(port, "\n")] = '\0';
    snprintf(out, 60, "127.0.0.1:%s", port);
}

static void check_outputs(struct member *member) {
    for (int32_t p = 0; p < PARTITIONS; p++) {
        int counts[RECORDS * ROUNDS] = {0};
        struct failure failure =
            broker_read_to_end(member->broker, TOPIC_PROMOTION_DECISIONS, p, count_offset, counts);
        assert_string_equal(failure.text, "");
        for (int i = 0; i < RECORDS * ROUNDS; i++) {
            assert_int_equal(counts[i], 1);
        }
    }
}

static void test_every_record_once(void **state) {
    const char *folder = *state;
    char address[60];
    read_address(folder, address);
    struct world world;
    world_open_on(&world, address, "outage");
    struct member member;
    member_configure(&member, &world, "w-0");
    /* Shorter than the outage: the member expires, and its return fences itself (broker_group.c).
     */
    member.config.session_timeout_ms = 6000;
    struct failure failure =
        broker_kafka_open(&member.config, &world.topics, &world.log, &member.broker);
    assert_string_equal(failure.text, "");
    struct gathered *gathered = memory_new(1, sizeof *gathered);
    member.on_record = gather;
    member.context = gathered;
    int64_t number = 0;
    for (int round = 0; round < ROUNDS; round++) {
        feed(&world, TOPIC_CLICKSTREAM, 0, RECORDS);
        feed(&world, TOPIC_CLICKSTREAM, 1, RECORDS);
        if (round > 0) {
            /* An epoch is on its way when the broker dies; it comes back beside our work. */
            POLL_UNTIL(&member, gathered->count > 0);
            submit_all(&member, gathered, &number);
            command("kill", folder, "");
            command("start", folder, "&");
        }
        work_to(&member, gathered, (round + 1) * RECORDS, &number);
    }
    check_outputs(&member);
    print_message("lost=%d assigned=%d epochs=%lld\n", member.lost, member.assigned,
                  (long long)number);
    broker_close(member.broker);
    world_close(&world);
    free(gathered);
}

int main(void) {
    if (!test_kafka_address()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_record_once, start_own, end_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
