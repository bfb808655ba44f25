/* Examples a second of the learners, from memory, on one thread: predict, then learn, in batches of
 * the kind's size. Prints a line for each; tests nothing.
 *
 *     bench_learners [examples [case]]
 *
 * Features are drawn by a power law from an open vocabulary, as words are; labels by a hidden
 * weight of each. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "base/rng.h"
#include "model/learner_options.h"

#define FEATURES 32
#define BATCH    LEARNER_BATCH_MAX

struct stream {
    size_t count;
    struct learner_feature *features; /* [count][FEATURES] */
    float *labels;
};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct stream stream_new(size_t count, double values) {
    struct stream stream = {count, memory_new(count * FEATURES, sizeof(struct learner_feature)),
                            memory_new(count, sizeof(float))};
    struct rng rng = rng_make(8, 1);
    for (size_t i = 0; i < count; i++) {
        double logit = -1;
        for (size_t j = 0; j < FEATURES; j++) {
            double u = rng_unit(&rng);
            uint64_t value = (uint64_t)(values * u * u * u);
            uint64_t key = hash_combine(j, value);
            stream.features[i * FEATURES + j] = (struct learner_feature){key, 1};
            logit += 0.6 * ((double)(key & 0xffff) / 65535 - 0.5);
        }
        stream.labels[i] = rng_unit(&rng) < 1 / (1 + exp(-logit));
    }
    return stream;
}

/* The same stream as words of an open vocabulary, or as names, which have to be hashed. */
static const char *const columns[FEATURES] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
                                              "l", "m", "n", "o", "p", "A", "B", "C", "D", "E", "F",
                                              "G", "H", "I", "J", "K", "L", "M", "N", "O", "P"};
static const struct learner_space words = {
    .feature_version = 1, .origin = -1, .cart_value = -1, .idle = -1, .is_new = -1};
static const struct learner_space named = {.feature_version = 1,
                                           .name_count = FEATURES,
                                           .names = columns,
                                           .origin = -1,
                                           .cart_value = -1,
                                           .idle = -1,
                                           .is_new = -1};

struct batch {
    struct bytes names[BATCH][FEATURES];
    struct learner_example examples[BATCH];
    enum learner_verdict verdicts[BATCH];
};

static void batch_put(struct batch *batch, size_t at, const struct stream *stream, size_t i,
                      bool has_names) {
    struct learner_example *example = &batch->examples[at];
    const struct learner_feature *features = stream->features + i * FEATURES;
    *example = (struct learner_example){
        .label = (double)stream->labels[i], .p_first = (double)NAN, .id = i + 1, .weight = 1};
    if (!has_names) {
        example->input.features = features;
        example->input.feature_count = FEATURES;
        return;
    }
    for (size_t j = 0; j < FEATURES; j++) {
        batch->names[at][j] = bytes_of((const uint8_t *)&features[j].key, 8);
    }
    example->input.names = batch->names[at];
}

static void learn(const struct learner_kind *kind, void *memory, struct batch *batch,
                  size_t count) {
    if (kind->learn_batch) {
        kind->learn_batch(memory, batch->examples, count, batch->verdicts, NULL);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        kind->learn(memory, &batch->examples[i]);
    }
}

/* settings: "name=value" texts, ended by NULL. */
static void run(const struct stream *stream, const char *name, bool has_names,
                const char *const *settings) {
    const struct learner_kind *kind = learner_kind_find(name);
    void *options = memory_new(1, kind->options_bytes);
    const struct learner_space *space = has_names ? &named : &words;
    char error[300], text[200] = "";
    snprintf(text, sizeof text, "%s", has_names ? " of names" : "");
    learner_options_default(kind, options);
    for (size_t i = 0; settings[i]; i++) {
        char key[64];
        const char *equals = strchr(settings[i], '=');
        snprintf(key, sizeof key, "%.*s", (int)(equals - settings[i]), settings[i]);
        if (!learner_options_set(kind, options, key, equals + 1, error, sizeof error)) {
            fprintf(stderr, "%s\n", error);
            exit(1);
        }
        snprintf(text + strlen(text), sizeof text - strlen(text), " %s", settings[i]);
    }
    void *memory = memory_new(1, kind->memory_bytes(options, space));
    kind->init(memory, options, space, NULL, 0);
    struct batch *examples = memory_new(1, sizeof *examples);
    size_t batch = kind->batch_size ? kind->batch_size(options) : 1;
    double start = seconds();
    for (size_t i = 0; i < stream->count; i += batch) {
        size_t count = 0;
        for (; count < batch && i + count < stream->count; count++) {
            batch_put(examples, count, stream, i + count, has_names);
        }
        learn(kind, memory, examples, count);
    }
    double learned = seconds() - start, loss = 0;
    start = seconds();
    size_t scored = stream->count < 200000 ? stream->count : 200000;
    for (size_t i = 0; i < scored; i++) {
        struct learner_scores scores;
        uint64_t none = LEARNER_ARM_NONE;
        batch_put(examples, 0, stream, i, has_names);
        kind->score(memory, &examples->examples[0].input, &none, 1, &scores);
        loss -= log(examples->examples[0].label > 0.5 ? scores.arms[0].p : 1 - scores.arms[0].p);
    }
    double score_time = seconds() - start;
    printf("%-10s%-44s %9.0f examples/s learned  %9.0f rows/s scored  (log-loss after %.4f)\n",
           name, text, (double)stream->count / learned, (double)scored / score_time,
           loss / (double)scored);
    free(examples);
    free(memory);
    free(options);
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    struct stream stream = stream_new(count, 1e6);
    static const struct {
        const char *kind;
        bool has_names;
        const char *settings[4];
    } cases[] = {
        {"linear", false, {"bits=18"}},
        {"linear", false, {"bits=22"}},
        {"linear", false, {"bits=22", "optimizer=adagrad"}},
        {"linear", false, {"bits=22", "optimizer=coin"}},
        {"linear", false, {"bits=22", "table=collisionless"}},
        {"fm", false, {NULL}},
        {"linear", true, {"bits=18"}},
        {"logistic", true, {"bits=18"}},
    };
    printf("%zu examples of %d features, CPU time of one thread\n", count, FEATURES);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_asked = argc <= 2 || strtoul(argv[2], NULL, 10) == i;
        if (is_asked) {
            run(&stream, cases[i].kind, cases[i].has_names, cases[i].settings);
        }
    }
    free(stream.features);
    free(stream.labels);
    return 0;
}
