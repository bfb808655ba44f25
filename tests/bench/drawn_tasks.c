/* bench_drawn_tasks: learners with settings side by side on drawn tasks, one pass, predict, then
 * learn. Defaults of learners are chosen here, so that public data stay unseen. Tests nothing.
 *
 *     bench_drawn_tasks TASKS SEED KIND:name=value,... ...
 *
 * A task has 4,000 to 65,000 rows; up to 12 numbers: heavy-tailed, rates, mostly 0, counts, of both
 * signs, at any scale; up to 10 names of 2 to 400 values; half of them matter, linearly, by a step
 * or by a bow; base rates of 1 to 45 %. Prints, of each learner, the mean of log-loss / that of the
 * constant, and by how much it was worse than the task's best at most. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "model/sigma.h"
#include "tests/support/kind_scene.h"

#define NUMBERS 12
#define NAMES   10

struct shape {
    int shape, effect; /* of a number */
    double scale, knee, weight;
};

struct task {
    size_t rows, number_count, name_count;
    double (*numbers)[NUMBERS];
    uint16_t (*values)[NAMES];
    bool *labels;
    double constant; /* log-loss of the base rate */
};

static double draw_number(struct rng *rng, const struct shape *shape, double *out_u) {
    double u = rng_normal(rng), v;
    switch (shape->shape) {
    case 0:
        v = shape->scale * exp(u);
        break;
    case 1:
        v = rng_unit(rng);
        u = 3.4 * (v - 0.5);
        v *= 0.05 * shape->scale;
        break;
    case 2:
        v = rng_below(rng, 3) ? 0 : shape->scale * exp(u);
        u = v == 0 ? -1.5 : u;
        break;
    case 3:
        v = (double)rng_poisson(rng, 3 * exp(0.7 * u));
        u = log1p(v) - 1.2;
        break;
    default:
        v = shape->scale * u;
    }
    *out_u = u;
    return v;
}

static double effect_of(const struct shape *shape, double u) {
    static const double bow = 0.6;
    return shape->weight * (shape->effect == 0   ? u
                            : shape->effect == 1 ? (u > shape->knee ? 1 : -1)
                                                 : bow * (u * u - 1));
}

static struct task task_new(uint64_t seed) {
    struct rng rng = rng_make(seed, 5);
    struct task task = {.rows = (size_t)(4000 * exp(2.8 * rng_unit(&rng))),
                        .number_count = 1 + rng_below(&rng, NUMBERS),
                        .name_count = 1 + rng_below(&rng, NAMES)};
    task.numbers = memory_new(task.rows, sizeof *task.numbers);
    task.values = memory_new(task.rows, sizeof *task.values);
    task.labels = memory_new(task.rows, sizeof *task.labels);
    double bias = -0.3 - 4.8 * rng_unit(&rng) * rng_unit(&rng), positives = 0;
    struct shape shapes[NUMBERS];
    double levels[NAMES], weights[NAMES];
    for (int i = 0; i < NUMBERS; i++) {
        shapes[i] = (struct shape){.shape = (int)rng_below(&rng, 5), .effect = i % 3};
        shapes[i].weight = 0.6 * rng_normal(&rng) * (double)rng_below(&rng, 2);
        shapes[i].knee = rng_normal(&rng);
        shapes[i].scale = exp(2.5 * rng_normal(&rng));
    }
    for (int i = 0; i < NAMES; i++) {
        levels[i] = 2 + floor(exp(6 * rng_unit(&rng)));
        weights[i] = 1.2 * rng_unit(&rng) * (double)rng_below(&rng, 2);
    }
    for (size_t row = 0; row < task.rows; row++) {
        double logit = bias, u;
        for (size_t i = 0; i < task.number_count; i++) {
            task.numbers[row][i] = draw_number(&rng, &shapes[i], &u);
            logit += effect_of(&shapes[i], u);
        }
        for (size_t i = 0; i < task.name_count; i++) {
            double q = rng_unit(&rng);
            uint16_t value = task.values[row][i] = (uint16_t)(levels[i] * q * q);
            uint64_t key = hash_combine(seed * 100 + i, value);
            logit += weights[i] * (2 * ((double)(key >> 11) * 0x1p-53) - 1);
        }
        task.labels[row] = rng_unit(&rng) < sigma(logit);
        positives += task.labels[row];
    }
    double p = positives / (double)task.rows;
    task.constant = -p * log(p) - (1 - p) * log1p(-p);
    return task;
}

static void task_free(struct task *task) {
    free(task->numbers);
    free(task->values);
    free(task->labels);
}

/* Log-loss as a share of the constant's. */
static double judge(const struct task *task, const char *kind, const char *settings) {
    static const char *const numbers[NUMBERS] = {"a", "b", "c", "d", "e", "f",
                                                 "g", "h", "i", "j", "k", "l"};
    static const char *const names[NAMES] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J"};
    struct learner_space space = {
        1, task->number_count, task->name_count, numbers, names, -1, -1, -1, -1};
    struct kind_learner learner = kind_learner_new(kind, settings, &space);
    double loss = 0;
    for (size_t row = 0; row < task->rows; row++) {
        char texts[NAMES][8];
        struct bytes values[NAMES];
        for (size_t i = 0; i < task->name_count; i++) {
            int length = snprintf(texts[i], sizeof texts[0], "v%u", task->values[row][i]);
            values[i] = bytes_of((uint8_t *)texts[i], (size_t)length);
        }
        struct learner_example example = {.input = {.numbers = task->numbers[row], .names = values},
                                          .label = task->labels[row],
                                          .id = row + 1,
                                          .p_first = (double)NAN,
                                          .weight = 1};
        double p = kind_score(&learner, &example.input).p;
        loss -= log(fmax(task->labels[row] ? p : 1 - p, 1e-7));
        kind_learn(&learner, &example);
    }
    kind_learner_free(&learner);
    return loss / (double)task->rows / task->constant;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: bench_drawn_tasks TASKS SEED KIND:name=value,... ...\n");
        return 2;
    }
    size_t tasks = strtoul(argv[1], NULL, 10), count = (size_t)argc - 3;
    uint64_t seed = strtoull(argv[2], NULL, 10);
    double *shares = memory_new(tasks * count, sizeof *shares);
    for (size_t i = 0; i < tasks; i++) {
        struct task task = task_new(seed + i);
        for (size_t j = 0; j < count; j++) {
            char kind[64] = "", settings[300];
            size_t length = strcspn(argv[3 + j], ":");
            snprintf(kind, sizeof kind, "%.*s", (int)length, argv[3 + j]);
            const char *rest = argv[3 + j] + length;
            snprintf(settings, sizeof settings, "calibration_rate=0%s%s",
                     rest[0] && rest[1] ? "," : "", rest[0] ? rest + 1 : "");
            shares[i * count + j] = judge(&task, kind, settings);
        }
        task_free(&task);
    }
    for (size_t j = 0; j < count; j++) {
        double sum = 0, regret = 0;
        for (size_t i = 0; i < tasks; i++) {
            double best = shares[i * count];
            for (size_t k = 1; k < count; k++) {
                best = fmin(best, shares[i * count + k]);
            }
            sum += shares[i * count + j];
            regret = fmax(regret, shares[i * count + j] - best);
        }
        printf("%.4f of the constant's log-loss, at most %.4f above the best: %s\n",
               sum / (double)tasks, regret, argv[3 + j]);
    }
    free(shares);
    return 0;
}
