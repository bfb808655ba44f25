/* policy_lab: promostream's own rooms and learner deciding in the simulated shop, whose truth is
 * known (SIMULATOR.md), in one thread and without a broker: the shop's events go through the
 * pipeline in epochs of two simulated minutes, pushes come back to the shop before it decides,
 * examples are learned in order and published as rows through the codec of the topic `model`.
 * Everything is a function of the seed.
 *
 *     policy_lab CONFIG WORLD SEED USERS DAYS FROM TO [EXAMPLES]
 *
 * EXAMPLES: an Avro container file that gets all examples, for `promostream learn`. Prints one JSON
 * object: over the decisions FROM..TO outside the control group, gains per decision against sending
 * nothing by the truth's probabilities, for promostream and the built-in policies.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "producer/shop.h"
#include "schemas/container.h"
#include "schemas/schemas.h"
#include "tests/support/policy_loop.h"
#include "tests/support/stream.h"

#define SLICE_MS      120000
#define WINDOW_MS     (INT64_C(7) * 86400000) /* until labels are final */
#define PLACES        (1U << 18)
#define SHOP_AHEAD_MS 300000 /* the shop decides so long after the trigger's deadline */

/* What promostream did last about a user's cart. */
struct last {
    int64_t deadline_ms;
    struct entry *entry;
};

/* A decision's promise and what became of it, by promostream's own labels. */
struct entry {
    struct hash128 id; /* zero = free */
    int64_t number;    /* in the order of the shop's decisions; -1 = not among them yet */
    int arm;
    bool is_control, is_bought;
    double p;
};

struct sums {
    int64_t n, sent[SHOP_ARM_COUNT];
    double gain, bayes, oracle, all10, propensity;
    double floor,
        entropy_base; /* expected log-loss of the Bayes rule's p by the truth, and p summed */
};

struct promise {
    double n, p, y, var, logloss;
};

struct lab {
    struct bench bench;
    struct policy_loop loop;
    struct shop *shop;
    struct container_writer *examples; /* NULL = not wanted */
    struct last *last;
    int64_t users, from, to;
    int64_t decided, control, unmatched;
    struct sums sums;
    struct entry *entries; /* [PLACES], open addressing */
    struct buffer bytes;   /* the slice's records */
    struct record *records[INPUT_COUNT];
    size_t count[INPUT_COUNT], capacity[INPUT_COUNT];
    int64_t next_offset[INPUT_COUNT];
};

static void end_if_failed(struct failure failure) {
    if (failed(failure)) {
        fprintf(stderr, "policy_lab: %s\n", failure.text);
        exit(2);
    }
}

static int arm_of(struct bytes action) {
    static const char *const ids[SHOP_ARM_COUNT] = {"none", "remind", "ship", "ten", "twenty"};
    for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
        if (bytes_equal(action, bytes_of_text(ids[arm]))) {
            return arm;
        }
    }
    fprintf(stderr, "policy_lab: the configuration's offers must be remind, ship, ten, twenty\n");
    exit(2);
}

static double cross_entropy(double truth, double p) {
    p = p < 1e-6 ? 1e-6 : p > 1 - 1e-6 ? 1 - 1e-6 : p;
    return -truth * log(p) - (1 - truth) * log(1 - p);
}

/* ---- the shop's side ---- */

static void on_truth(void *context, const struct shop_truth *truth) {
    struct lab *lab = context;
    const struct last *last = &lab->last[truth->user];
    if (last->deadline_ms != truth->deadline_ms - SHOP_AHEAD_MS) {
        lab->unmatched++;
        return;
    }
    struct entry *entry = last->entry;
    int64_t number = entry->number = lab->decided++;
    lab->control += entry->is_control;
    if (number < lab->from || number >= lab->to || entry->is_control) {
        return;
    }
    struct sums *sums = &lab->sums;
    double none = truth->value[SHOP_NONE];
    sums->n++;
    sums->sent[entry->arm]++;
    sums->gain += truth->value[entry->arm] - none;
    sums->bayes += truth->value[truth->a_bayes] - none;
    sums->oracle += truth->value[truth->a_oracle] - none;
    sums->all10 += truth->value[SHOP_10] - none;
    sums->propensity += truth->bayes_p[SHOP_NONE] > 0.20 ? truth->value[SHOP_10] - none : 0;
    sums->entropy_base += truth->p[entry->arm];
    sums->floor += cross_entropy(truth->p[entry->arm], truth->bayes_p[entry->arm]);
}

static void hear_push(struct lab *lab, struct bytes value) {
    struct push_row push;
    struct bytes body;
    if (wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_PUSH, 0, value, &body) &&
        push_decode(body, &push)) {
        shop_feedback(lab->shop, &push, shop_now_ms(lab->shop), 0);
    }
}

/* ---- promostream's side ---- */

static struct entry *entry_of(struct lab *lab, struct hash128 id) {
    uint64_t place = id.low;
    struct entry *entry;
    do {
        entry = &lab->entries[place++ % PLACES];
    } while (!hash128_equal(entry->id, (struct hash128){0}) && !hash128_equal(entry->id, id));
    return entry;
}

static void note_decision(struct lab *lab, struct bytes value) {
    struct decision_row row;
    struct bytes body;
    if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_DECISION, 0, value, &body) ||
        !decision_decode(body, &row) || row.trigger != TRIGGER_CART_ABANDONED) {
        return;
    }
    int64_t user = strtoll((const char *)row.user_id.data + 1, NULL, 10);
    if (row.user_id.data[0] != 'u' || user < 0 || user >= lab->users) {
        return; /* a guest, a bot */
    }
    double p = NAN;
    for (size_t i = 0; i < row.action_count && row.score_count > 0; i++) {
        p = bytes_equal(row.actions[i].action, row.action) ? row.scores[0].p[i] : p;
    }
    struct entry *entry = entry_of(lab, row.decision_id);
    *entry = (struct entry){
        .id = row.decision_id,
        .number = -1,
        .arm = arm_of(row.action),
        .is_control = bytes_equal(row.bucket, bytes_of_text("control")),
        .p = p,
    };
    lab->last[user] = (struct last){row.deadline_ms, entry};
}

static void note_example(struct lab *lab, struct bytes value) {
    struct example_row row;
    struct bytes body;
    bool is_whole = wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, value, &body);
    if (is_whole && lab->examples) {
        end_if_failed(container_write(lab->examples, body));
    }
    if (is_whole && example_decode(body, &row) &&
        bytes_equal(row.origin, bytes_of_text("cart_abandoned"))) {
        entry_of(lab, row.decision_id)->is_bought = row.label == LABEL_BOUGHT;
    }
}

static void add_record(struct lab *lab, enum broker_input input,
                       const struct shop_emission *event) {
    if (lab->count[input] == lab->capacity[input]) {
        lab->capacity[input] = lab->capacity[input] ? lab->capacity[input] * 2 : 256;
        lab->records[input] =
            memory_grow(lab->records[input], lab->capacity[input], sizeof(struct record));
    }
    struct record *record = &lab->records[input][lab->count[input]++];
    size_t key_at = lab->bytes.size;
    buffer_append(&lab->bytes, event->key);
    size_t value_at = lab->bytes.size;
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &lab->bytes);
    event_encode(&event->event, &lab->bytes);
    *record = (struct record){
        /* places until the slice is whole: the buffer moves when it grows */
        .key = {(const uint8_t *)(uintptr_t)key_at, event->key.size},
        .value = {(const uint8_t *)(uintptr_t)value_at, lab->bytes.size - value_at},
        .timestamp_ms = event->arrival_ms,
        .offset = lab->next_offset[input]++,
        .input = input,
    };
}

static void run_slice(struct lab *lab) {
    struct bench *bench = &lab->bench;
    for (int input = 0; input < INPUT_COUNT; input++) {
        for (size_t i = 0; i < lab->count[input]; i++) {
            struct record *record = &lab->records[input][i];
            record->key.data = lab->bytes.data + (uintptr_t)record->key.data;
            record->value.data = lab->bytes.data + (uintptr_t)record->value.data;
        }
    }
    pipeline_begin(&bench->pipeline, &bench->epoch);
    partition_begin(&bench->partition);
    pipeline_feedback(&bench->pipeline, &bench->partition, lab->records[INPUT_FEEDBACK],
                      lab->count[INPUT_FEEDBACK]);
    pipeline_clickstream(&bench->pipeline, &bench->partition, lab->records[INPUT_CLICKSTREAM],
                         lab->count[INPUT_CLICKSTREAM]);
    pipeline_finish(&bench->pipeline, &bench->partition, 0);
    for (size_t i = 0; i < bench->epoch.record_count; i++) {
        struct bytes value = epoch_record_value(&bench->epoch, i);
        if (bench->epoch.records[i].topic == TOPIC_PROMOTION_DECISIONS) {
            note_decision(lab, value);
        } else if (bench->epoch.records[i].topic == TOPIC_PROMOTION_PUSHES) {
            hear_push(lab, value);
        } else if (bench->epoch.records[i].topic == TOPIC_EXAMPLES) {
            note_example(lab, value);
            policy_loop_learn(&lab->loop, value);
        }
    }
    policy_loop_publish(&lab->loop, &bench->pipeline.score);
    epoch_clear(&bench->epoch);
    buffer_clear(&lab->bytes);
    lab->count[INPUT_CLICKSTREAM] = lab->count[INPUT_FEEDBACK] = 0;
}

static void run(struct lab *lab) {
    struct shop_emission emission;
    int64_t slice_end_ms = INT64_MIN, end_ms = INT64_MAX;
    while (shop_now_ms(lab->shop) < end_ms && shop_next(lab->shop, &emission)) {
        if (lab->decided >= lab->to && end_ms == INT64_MAX) {
            end_ms = shop_now_ms(lab->shop) + WINDOW_MS + 3600000;
        }
        if (emission.stream == SHOP_CATALOGUE) {
            continue;
        }
        if (emission.arrival_ms >= slice_end_ms) {
            run_slice(lab);
            slice_end_ms = emission.arrival_ms + SLICE_MS;
        }
        add_record(lab, emission.stream == SHOP_FEEDBACK ? INPUT_FEEDBACK : INPUT_CLICKSTREAM,
                   &emission);
    }
}

static void fill_sides(struct lab *lab) {
    struct buffer body = {0};
    for (int64_t i = 0; i < shop_catalogue_count(lab->shop); i++) {
        struct catalogue_item_row row;
        shop_catalogue_item(lab->shop, i, &row);
        buffer_clear(&body);
        catalogue_item_encode(&row, &body);
        (void)side_table_put(lab->bench.side.catalogue, row.item_id, buffer_bytes(&body));
    }
    for (int64_t i = 0; i < shop_profile_count(lab->shop); i++) {
        struct profile_row row;
        shop_profile(lab->shop, i, &row);
        buffer_clear(&body);
        profile_encode(&row, &body);
        (void)side_table_put(lab->bench.side.profiles, row.user_id, buffer_bytes(&body));
    }
    buffer_clean_up(&body);
}

/* Over the judged decisions with this arm (-1 = any), by promostream's own labels. */
static struct promise promise_of(const struct lab *lab, int arm) {
    struct promise sum = {0};
    for (size_t i = 0; i < PLACES; i++) {
        const struct entry *entry = &lab->entries[i];
        bool is_judged = !hash128_equal(entry->id, (struct hash128){0}) &&
                         entry->number >= lab->from && entry->number < lab->to &&
                         !entry->is_control && (arm < 0 || entry->arm == arm) && !isnan(entry->p);
        if (is_judged) {
            sum.n++;
            sum.p += entry->p;
            sum.y += entry->is_bought;
            sum.var += entry->p * (1 - entry->p);
            sum.logloss += cross_entropy(entry->is_bought, entry->p);
        }
    }
    return sum;
}

static void print_promise(const char *name, struct promise sum) {
    double ratio = sum.p > 0 ? sum.y / sum.p : 0,
           half = sum.p > 0 ? 1.96 * sqrt(sum.var) / sum.p : 0;
    printf("\"%s\":{\"n\":%.0f,\"promised\":%.3f,\"ratio\":%.4f,\"low\":%.4f,\"high\":%.4f}", name,
           sum.n, sum.p, ratio, ratio - half, ratio + half);
}

static void print(const struct lab *lab, const char *world, const char *seed) {
    const struct sums *sums = &lab->sums;
    double n = sums->n > 0 ? (double)sums->n : 1;
    struct promise all = promise_of(lab, -1);
    printf("{\"world\":\"%s\",\"seed\":%s,\"decisions\":%" PRId64 ",\"control\":%" PRId64
           ",\"unmatched\":%" PRId64 ",\"judged\":%" PRId64,
           world, seed, lab->decided, lab->control, lab->unmatched, sums->n);
    printf(",\"gain\":%.5f,\"bayes\":%.5f,\"oracle\":%.5f,\"all10\":%.5f,\"propensity\":%.5f",
           sums->gain / n, sums->bayes / n, sums->oracle / n, sums->all10 / n,
           sums->propensity / n);
    printf(",\"share_of_bayes\":%.4f,\"sent\":{", sums->bayes > 0 ? sums->gain / sums->bayes : 0);
    for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
        printf("%s\"%s\":%.4f", arm ? "," : "", shop_arm_names[arm], (double)sums->sent[arm] / n);
    }
    printf("},\"calibration\":{");
    print_promise("all", all);
    for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
        printf(",");
        print_promise(shop_arm_names[arm], promise_of(lab, arm));
    }
    double base = all.n > 0 ? all.y / all.n : 0.5, truth = sums->entropy_base / n;
    printf("},\"ne\":%.5f,\"ne_floor\":%.5f,\"examples\":%" PRId64 ",\"refused\":%" PRId64 "}\n",
           all.logloss / (all.n > 0 ? all.n : 1) / cross_entropy(base, base),
           sums->floor / n / cross_entropy(truth, truth), lab->loop.next_offset, lab->loop.refused);
}

static char *read_file(const char *path) {
    struct buffer text = {0};
    FILE *file = fopen(path, "r");
    char piece[4096];
    size_t size;
    while (file && (size = fread(piece, 1, sizeof piece, file)) > 0) {
        buffer_append(&text, bytes_of(piece, size));
    }
    if (!file || text.size == 0) {
        fprintf(stderr, "policy_lab: %s cannot be read\n", path);
        exit(2);
    }
    fclose(file);
    buffer_append_byte(&text, 0);
    return (char *)text.data;
}

int main(int argc, char **argv) {
    if (argc != 8 && argc != 9) {
        fprintf(stderr, "usage: policy_lab CONFIG WORLD SEED USERS DAYS FROM TO [EXAMPLES]\n");
        return 2;
    }
    schemas_init();
    static struct lab lab;
    char *config = read_file(argv[1]);
    bench_init(&lab.bench, config, 64);
    struct shop_options options = shop_options_default();
    options.world = argv[2];
    options.seed = (uint64_t)strtoull(argv[3], NULL, 10);
    options.users = lab.users = strtoll(argv[4], NULL, 10);
    options.days = atoi(argv[5]);
    options.on_truth = on_truth;
    options.truth_context = &lab;
    options.consent_granted = 1;
    options.consent_denied = 0;
    lab.from = strtoll(argv[6], NULL, 10);
    lab.to = strtoll(argv[7], NULL, 10);
    end_if_failed(shop_new(&options, stderr, &lab.shop));
    if (argc == 9) {
        end_if_failed(container_writer_new(argv[8], SCHEMA_EXAMPLE, &lab.examples));
    }
    lab.last = memory_new((size_t)lab.users, sizeof *lab.last);
    lab.entries = memory_new(PLACES, sizeof *lab.entries);
    policy_loop_init(&lab.loop, lab.bench.config);
    fill_sides(&lab);
    run(&lab);
    if (lab.examples) {
        end_if_failed(container_writer_close(lab.examples));
    }
    print(&lab, argv[2], argv[3]);
    policy_loop_clean_up(&lab.loop);
    shop_destroy(lab.shop);
    bench_clean_up(&lab.bench);
    buffer_clean_up(&lab.bytes);
    free(lab.records[0]);
    free(lab.records[1]);
    free(lab.last);
    free(lab.entries);
    free(config);
    return 0;
}
