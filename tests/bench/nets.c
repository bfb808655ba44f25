/* Examples a second of the networks, from memory, on one thread: learned in batches of the kind's
 * size, and scored many at once. Prints a line for each; tests nothing.
 *
 *     bench_nets [examples [case]]
 *
 * An input of 26 names and 20 numbers: with embeddings of 8 numbers, and the bag of 8, it is 256
 * numbers wide; sequences of 20 steps; labels by a hidden weight of each name. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "base/rng.h"
#include "model/kernels_blas.h"
#include "model/learner_options.h"

#define NUMBERS 20
#define NAMES   26
#define STEPS   20
#define TEXT    8

struct stream {
    size_t count;
    double *numbers;
    char (*texts)[TEXT];
    struct bytes *names;
    struct behaviour_step *steps;
    double *labels;
};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct stream stream_new(size_t count) {
    struct stream stream = {count,
                            memory_new(count * NUMBERS, sizeof(double)),
                            memory_new(count * NAMES, TEXT),
                            memory_new(count * NAMES, sizeof(struct bytes)),
                            memory_new(count * STEPS, sizeof(struct behaviour_step)),
                            memory_new(count, sizeof(double))};
    struct rng rng = rng_make(8, 1);
    for (size_t i = 0; i < count; i++) {
        double logit = -1;
        for (size_t j = 0; j < NUMBERS; j++) {
            stream.numbers[i * NUMBERS + j] = rng_lognormal(&rng, 20, 1);
        }
        for (size_t j = 0; j < NAMES; j++) {
            double u = rng_unit(&rng);
            unsigned value = (unsigned)(200 * u * u);
            char *text = stream.texts[i * NAMES + j];
            int size = snprintf(text, TEXT, "v%u", value);
            stream.names[i * NAMES + j] = bytes_of((const uint8_t *)text, (size_t)size);
            logit += (double)(hash_combine(j, value) & 0xffff) / 65535 - 0.5;
        }
        for (size_t j = 0; j < STEPS; j++) {
            stream.steps[i * STEPS + j] = (struct behaviour_step){
                1 + rng_below(&rng, 5000), (int32_t)rng_below(&rng, 6), 300 * rng_unit(&rng)};
        }
        stream.labels[i] = rng_unit(&rng) < 1 / (1 + exp(-logit));
    }
    return stream;
}

static struct learner_example example_of(const struct stream *stream, size_t i) {
    return (struct learner_example){.input = {.numbers = stream->numbers + i * NUMBERS,
                                              .names = stream->names + i * NAMES,
                                              .steps = stream->steps + i * STEPS,
                                              .step_count = STEPS},
                                    .label = stream->labels[i],
                                    .p_first = (double)NAN,
                                    .id = i + 1,
                                    .weight = 1};
}

static double learn(const struct stream *stream, const struct learner_kind *kind, void *memory,
                    size_t batch) {
    double start = seconds();
    for (size_t i = 0; i < stream->count; i += batch) {
        struct learner_example examples[LEARNER_BATCH_MAX];
        enum learner_verdict verdicts[LEARNER_BATCH_MAX];
        size_t count = 0;
        for (; count < batch && i + count < stream->count; count++) {
            examples[count] = example_of(stream, i + count);
        }
        kind->learn_batch(memory, examples, count, verdicts, NULL);
    }
    return (double)stream->count / (seconds() - start);
}

static double score(const struct stream *stream, const struct learner_kind *kind,
                    const void *memory, double *out_loss) {
    enum { SIDE = 64 };
    double start = seconds();
    *out_loss = 0;
    for (size_t i = 0; i + SIDE <= stream->count; i += SIDE) {
        struct learner_input inputs[SIDE];
        struct learner_arm_score scores[SIDE];
        enum learner_verdict verdicts[SIDE];
        for (size_t j = 0; j < SIDE; j++) {
            inputs[j] = example_of(stream, i + j).input;
        }
        kind->score_batch(memory, inputs, SIDE, scores, verdicts);
        for (size_t j = 0; j < SIDE; j++) {
            double p = scores[j].p;
            *out_loss -= log(stream->labels[i + j] > 0.5 ? p : 1 - p) / (double)stream->count;
        }
    }
    return (double)stream->count / (seconds() - start);
}

static void run(const struct stream *stream, const char *name, const char *layers,
                const char *batch) {
    static const char *const texts[] = {
        "n0",  "n1",  "n2",  "n3",  "n4",  "n5",  "n6",  "n7",  "n8",  "n9",  "n10", "n11", "n12",
        "n13", "n14", "n15", "n16", "n17", "n18", "n19", "n20", "n21", "n22", "n23", "n24", "n25"};
    static const struct learner_space space = {1, NUMBERS, NAMES, texts, texts, -1, -1, -1, -1};
    const struct learner_kind *kind = learner_kind_find(name);
    void *options = memory_new(1, kind->options_bytes);
    char error[300];
    learner_options_default(kind, options);
    if (!learner_options_set(kind, options, "layers", layers, error, sizeof error) ||
        !learner_options_set(kind, options, "batch", batch, error, sizeof error)) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    void *memory = memory_new(1, kind->memory_bytes(options, &space));
    kind->init(memory, options, &space, NULL, 0);
    double loss, learned = learn(stream, kind, memory, kind->batch_size(options));
    double scored = score(stream, kind, memory, &loss);
    printf("%-10s batch %-4s %-58s %8.0f examples/s learned  %8.0f rows/s scored  (log-loss after "
           "%.4f)\n",
           name, batch, layers, learned, scored, loss);
    free(memory);
    free(options);
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    static const char dnn[] = "embedding:8 dropout:0.2 dense:128:relu dropout:0.2 dense:1";
    static const char gru[] = "embedding:8 dropout:0.2 dense:64:relu dropout:0.2 dense:1";
    static const char *const cases[][3] = {
        {"dnn", "embedding:8 dense:128:relu dense:1", "32"},
        {"dnn", dnn, "32"},
        {"dnn", dnn, "128"},
        {"dnn", dnn, "1"},
        {"wide_deep", dnn, "32"},
        {"gru", gru, "32"},
    };
    kernel_blas_start();
    struct stream stream = stream_new(count);
    printf("%zu examples of %d numbers and %d names, CPU time of one thread\n", count, NUMBERS,
           NAMES);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (argc <= 2 || strtoul(argv[2], NULL, 10) == i) {
            run(&stream, cases[i][0], cases[i][1], cases[i][2]);
        }
    }
    return 0;
}
