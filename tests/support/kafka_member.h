/* kafka_member: topics of one test on a real broker, and members of its group that poll, recover
 * nothing, and commit epochs. For cmocka tests of the seam; every step asserts. */
#ifndef PROMOSTREAM_TESTS_SUPPORT_KAFKA_MEMBER_H
#define PROMOSTREAM_TESTS_SUPPORT_KAFKA_MEMBER_H

#include "base/clock.h"
#include "broker/broker.h"
#include "broker/producer_simple.h"

#define POLL_MS    200
#define PATIENCE_S 60
#define PARTITIONS 2

struct world {
    const char *bootstrap_servers;
    struct topics topics;
    struct log_sink log; /* stderr if PROMOSTREAM_TEST_LOG is set */
    char prefix[60], group[70];
    struct producer_simple *producer;
};

struct member {
    struct world *world;
    struct broker_config config;
    struct broker *broker;
    int32_t owned[PARTITIONS];
    size_t owned_count;
    int64_t next[PARTITIONS][INPUT_COUNT]; /* position, as committed or after the last record */
    int64_t committed_epoch[PARTITIONS];
    int64_t records;
    int assigned, revoked, lost;                                   /* events so far */
    void (*on_record)(void *context, const struct record *record); /* NULL = only counted */
    void *context;
};

/* What a visit has seen. */
struct seen {
    int count, tombstones;
    char last_key[20], last_value[20];
};

/* PROMOSTREAM_KAFKA; NULL = the test is skipped. */
const char *test_kafka_address(void);
int64_t test_now_ms(void);

/* Topics with a prefix of their own, made through admin calls. */
void world_open(struct world *world, const char *name);
/* The same on another broker than test_kafka_address. */
void world_open_on(struct world *world, const char *bootstrap_servers, const char *name);
/* The same where the topics exist already (mock cluster). */
void world_open_at(struct world *world, const char *bootstrap_servers, const char *name);
void world_close(struct world *world);
/* Sends count records and waits for their acknowledgement. */
void feed(struct world *world, enum topic topic, int32_t partition, int count);

/* The configuration of a member, for tests that change it before broker_kafka_open. */
void member_configure(struct member *member, struct world *world, const char *name);
struct failure member_try_open(struct member *member, struct world *world, const char *name);
void member_open(struct member *member, struct world *world, const char *name);
/* One poll, handled; its failure goes to the caller. */
struct failure member_step(struct member *member, int timeout_ms);
void member_poll(struct member *member);
/* Polls until the process must end; so is the failure. A failure given is that already. */
struct failure member_await_stop(struct member *member, struct failure failure);
/* Submits an epoch with one user-state record in partition 0 and the positions of all owned
 * partitions. */
void member_submit(struct member *member, const char *key, const char *value, int64_t number);
void member_add_offsets(struct member *member, struct epoch *epoch, int64_t number);
bool member_drain(struct member *member);
struct seen member_read_state(struct member *member);

/* A producer behind the seam's back, its transactions initialised: whoever has that id is fenced.
 */
struct rd_kafka_s *open_transactional(const char *bootstrap_servers, const char *id);

void add_text(struct epoch *epoch, enum topic topic, int32_t partition, const char *key,
              const char *value);
broker_visit see; /* context: struct seen */

#define POLL_UNTIL(member, condition)                                                              \
    do {                                                                                           \
        int64_t poll_end_ms = test_now_ms() + PATIENCE_S * 1000;                                   \
        while (!(condition) && test_now_ms() < poll_end_ms) {                                      \
            member_poll(member);                                                                   \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

#endif
