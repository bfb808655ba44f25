#include "model/logistic.h"

#include <assert.h>
#include <stdio.h>

#include "base/hash.h"
#include "model/rows.h"
#include "model/slots.h"
#include "model/table_internal.h"

/* Floats of a slot, those of struct ftrl_slot: (w, n) are needed to score, z to learn. */
#define SLOT_SCORE_FLOATS 2
#define SLOT_FLOATS       3

/* struct logistic | table of slots */
struct logistic {
    struct logistic_options options;
    struct ftrl_params ftrl;
    struct slot_space space;
    double start; /* a constant of every logit */
    size_t table_offset;
};

static struct table *table_of(const struct logistic *logistic) {
    return (void *)((char *)(uintptr_t)logistic + logistic->table_offset);
}

/* [2^bits] */
static struct ftrl_slot *slots_at(const struct logistic *logistic) {
    return (void *)table_row(table_of(logistic), 0);
}
_Static_assert(sizeof(struct ftrl_slot) == SLOT_FLOATS * sizeof(float), "a row of the table");

static size_t aligned(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

static struct table_options table_options_of(const struct logistic_options *options) {
    return (struct table_options){.table = TABLE_HASHED, .bits = options->bits, .admit_after = 1};
}

static size_t memory_bytes(const void *memory_options, const struct learner_space *space) {
    (void)space;
    struct table_options table = table_options_of(memory_options);
    return aligned(sizeof(struct logistic)) + table_memory_bytes(&table, SLOT_FLOATS);
}

static void init(void *memory, const void *memory_options, const struct learner_space *space) {
    const struct logistic_options *options = memory_options;
    assert(options->alpha > 0 && options->beta >= 0 && options->l1 >= 0 && options->l2 >= 0);
    struct logistic *logistic = memory;
    memset(logistic, 0, sizeof *logistic);
    logistic->options = *options;
    logistic->ftrl = (struct ftrl_params){options->alpha, options->beta, options->l1, options->l2};
    logistic->start = head_start(&options->head);
    logistic->table_offset = aligned(sizeof *logistic);
    slots_init(&logistic->space, options->bits, space, options->cross_count, options->crosses);
    struct table_options table = table_options_of(options);
    table_init(table_of(logistic), &table, "w", SLOT_SCORE_FLOATS, SLOT_FLOATS);
}

/* Rows of a learner with another fingerprint have other meanings: z at another alpha is another
 * weight. */
static uint64_t fingerprint(const void *memory_options, const struct learner_space *space,
                            uint64_t hash) {
    const struct logistic_options *options = memory_options;
    const double numbers[] = {options->bits, options->alpha, options->beta, options->l1,
                              options->l2};
    hash = hash_combine(hash, hash64(bytes_of_text("logistic 4"), 0));
    hash = hash_combine(hash, hash64(bytes_of(numbers, sizeof numbers), 0));
    for (size_t i = 0; i < options->cross_count; i++) {
        for (int side = 0; side < 2; side++) {
            const char *name = space->names[options->crosses[i][side]];
            hash = hash_combine(hash, hash64(bytes_of_text(name), 0));
        }
    }
    return hash;
}

/* ---- forward ---- */

/* Summed in the order of slots. */
static double logit_at(const struct logistic *logistic, const struct slots *slots) {
    const struct ftrl_slot *table = slots_at(logistic);
    double logit = logistic->start;
    for (size_t i = 0; i < slots->count; i++) {
        logit += (double)table[slots->slots[i].index].w * slots->slots[i].x;
    }
    return logit;
}

static enum learner_verdict forward(const void *memory, const struct learner_input *input,
                                    uint64_t dropout_key, struct base_output *out) {
    (void)dropout_key;
    const struct logistic *logistic = memory;
    struct slots slots;
    if (!slots_of(&logistic->space, input, &slots)) {
        return LEARNER_BAD_VALUE;
    }
    const struct ftrl_slot *table = slots_at(logistic);
    *out = (struct base_output){.logit = logit_at(logistic, &slots)};
    for (size_t i = 0; i < slots.count; i++) {
        double x = slots.slots[i].x;
        out->variance += x * x / (1 + (double)table[slots.slots[i].index].n); /* sigma_0 = 1 */
    }
    return LEARNER_OK;
}

/* ---- learn ---- */

/* All slots, or none: what was learned is put back in reverse order, for two slots of one example
 * may collide. */
static bool step(struct logistic *logistic, const struct slots *slots,
                 const struct ftrl_pull *pull) {
    struct ftrl_slot *table = slots_at(logistic), before[SLOTS_MAX];
    size_t done = 0;
    for (; done < slots->count; done++) {
        const struct slot *slot = &slots->slots[done];
        before[done] = table[slot->index];
        if (!ftrl_slot_learn(&logistic->ftrl, &table[slot->index], pull, slot->x)) {
            break;
        }
    }
    if (done < slots->count) {
        while (done-- > 0) {
            table[slots->slots[done].index] = before[done];
        }
        return false;
    }
    for (size_t i = 0; i < slots->count; i++) {
        table_mark(table_of(logistic), slots->slots[i].index);
    }
    return true;
}

static enum learner_verdict learn_one(struct logistic *logistic, const struct learner_input *input,
                                      size_t i, const struct base_teacher *teacher) {
    struct slots slots;
    if (!slots_of(&logistic->space, input, &slots)) {
        return LEARNER_BAD_VALUE;
    }
    const struct base_output output = {.logit = logit_at(logistic, &slots)};
    struct ftrl_pull pull;
    enum learner_verdict verdict = teacher->pull(teacher->context, i, &output, &pull);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    verdict = step(logistic, &slots, &pull) ? LEARNER_OK : LEARNER_NOT_FINITE;
    teacher->done(teacher->context, i, verdict);
    return verdict;
}

static void learn(void *memory, const struct learner_example *examples, size_t count,
                  const struct base_teacher *teacher, enum learner_verdict *out_verdicts) {
    for (size_t i = 0; i < count; i++) {
        out_verdicts[i] = learn_one(memory, &examples[i].input, i, teacher);
    }
}

/* ---- rows ---- */

static void export_rows(void *memory, bool all, learner_visit_row *visit, void *context) {
    table_export_rows(table_of(memory), all, visit, context);
}

static enum learner_verdict check_row(const void *memory, const struct learner_row *row) {
    enum learner_verdict verdict = table_check_row(table_of(memory), row);
    struct row_reader reader = {row->values};
    while (verdict == LEARNER_OK && row->kind == LEARNER_WEIGHTS && reader.left.size > 0) {
        row_get_f32(&reader);
        if (row_get_f32(&reader) < 0) { /* n is a sum of squares */
            verdict = LEARNER_BAD_VALUE;
        }
    }
    return verdict;
}

static void import_row(void *memory, const struct learner_row *row) {
    table_import_row(table_of(memory), row);
}

/* ---- in words ---- */

_Static_assert(1 + SLOTS_MAX <= BASE_TERMS_MAX, "every summand has a term");

static size_t explain(const void *memory, const struct learner_input *input,
                      struct learner_term *out) {
    const struct logistic *logistic = memory;
    struct slots slots;
    if (!slots_of(&logistic->space, input, &slots)) {
        return 0;
    }
    size_t count = 0;
    snprintf(out[count].name, sizeof out[0].name, "base rate before any data");
    out[count++].value = logistic->start;
    for (size_t i = 0; i < slots.count; i++) {
        const struct slot *slot = &slots.slots[i];
        slots_name(&logistic->space, input, slot, out[count].name, sizeof out[0].name);
        out[count++].value = (double)slots_at(logistic)[slot->index].w * slot->x;
    }
    return count;
}

static size_t describe(const void *memory, char *out, size_t size) {
    const struct logistic *logistic = memory;
    const struct logistic_options *options = &logistic->options;
    const struct learner_space *space = &logistic->space.names;
    struct table_counts counts = table_count(table_of(logistic));
    int length =
        snprintf(out, size,
                 "slots %lld, %.1f %% used\n"
                 "ftrl alpha %g beta %g l1 %g l2 %g\n"
                 "features of version %d: %zu numbers, %zu names, %zu crosses\n",
                 (long long)counts.rows, 100 * (double)counts.used / (double)counts.rows,
                 options->alpha, options->beta, options->l1, options->l2, space->feature_version,
                 space->number_count, space->name_count, options->cross_count);
    return length < 0 ? 0 : (size_t)length;
}

static const struct base_kind logistic_base = {.memory_bytes = memory_bytes,
                                               .init = init,
                                               .fingerprint = fingerprint,
                                               .forward = forward,
                                               .learn = learn,
                                               .has_level = true,
                                               .export_rows = export_rows,
                                               .check_row = check_row,
                                               .import_row = import_row,
                                               .explain = explain,
                                               .describe = describe};

#define OPTION(member, kind, text, least, most, words)                                             \
    {                                                                                              \
        .name = #member, .type = LEARNER_OPTION_##kind,                                            \
        .offset = offsetof(struct logistic_options, member), .default_text = text, .min = least,   \
        .max = most, .help = words                                                                 \
    }
static const struct learner_option logistic_options[] = {
    OPTION(bits, INT, "18", 10, 24, "its table has 2^bits weights"),
    OPTION(alpha, NUMBER, "0.01", 1e-6, 100, "FTRL: size of a step"),
    OPTION(beta, NUMBER, "1", 0, 1000, "FTRL: damps the first steps"),
    OPTION(l1, NUMBER, "0", 0, 1000, "FTRL: weights whose gradients add up to less stay 0"),
    OPTION(l2, NUMBER, "1", 0, 1000, "FTRL: pulls weights to 0"),
    HEAD_LOGISTIC_OPTIONS(struct logistic_options),
};

HEAD_KIND(logistic, "FTRL over hashed features, effects per offer, calibrated",
          struct logistic_options, NULL);
