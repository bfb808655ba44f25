/* replay: runs a fuzz target without libFuzzer:
 *
 *     fuzz_NAME [-runs=N] [-seed=S] FILE|FOLDER...
 *
 * Every file once, then N mutations of them, the same for the same seed. Each input lies in a block
 * of its own size, so that ASan sees a read past its end. The input under way is written to
 * fuzz-NAME.input before it runs if FUZZ_KEEP is set: the one that crashed stays there. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_BYTES_MAX 65536
#define EDITS_MAX       6

struct corpus {
    struct bytes *inputs;
    size_t count;
};

static void run(const char *name, const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    FUZZ_ASSERT(copy);
    memcpy(copy, data, size);
    if (getenv("FUZZ_KEEP")) {
        char path[256];
        (void)snprintf(path, sizeof path, "fuzz-%s.input", name);
        FILE *file = fopen(path, "w");
        FUZZ_ASSERT(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    }
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void add_file(struct corpus *corpus, const char *path) {
    FILE *file = fopen(path, "r");
    FUZZ_ASSERT(file);
    uint8_t *data = malloc(INPUT_BYTES_MAX);
    FUZZ_ASSERT(data);
    size_t size = fread(data, 1, INPUT_BYTES_MAX, file);
    fclose(file);
    corpus->inputs = realloc(corpus->inputs, (corpus->count + 1) * sizeof *corpus->inputs);
    FUZZ_ASSERT(corpus->inputs);
    corpus->inputs[corpus->count++] = bytes_of(data, size);
}

static void add(struct corpus *corpus, const char *path) {
    struct dirent **entries;
    struct stat status;
    FUZZ_ASSERT(stat(path, &status) == 0);
    if (!S_ISDIR(status.st_mode)) {
        add_file(corpus, path);
        return;
    }
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char file[4096];
        if (entries[i]->d_name[0] != '.') {
            (void)snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
            add_file(corpus, file);
        }
        free(entries[i]);
    }
    free(entries);
}

/* One edit of data; returns the new size. */
static size_t edit(struct rng *rng, const struct corpus *corpus, uint8_t *data, size_t size) {
    static const uint8_t words[] = {0, 1, 2, 0x7f, 0x80, 0xff, '"', '{', '.', ' '};
    size_t at = size ? (size_t)rng_below(rng, size) : 0;
    struct bytes other = corpus->inputs[rng_below(rng, corpus->count)];
    size_t from = other.size ? (size_t)rng_below(rng, other.size) : 0;
    size_t length = 1 + (size_t)rng_below(rng, 16);
    switch (rng_below(rng, 6)) {
    case 0:
        if (size > 0) {
            data[at] ^= (uint8_t)(1U << rng_below(rng, 8));
        }
        break;
    case 1:
        if (size > 0) {
            data[at] = words[rng_below(rng, sizeof words)];
        }
        break;
    case 2: /* erase */
        length = length < size - at ? length : size - at;
        memmove(data + at, data + at + length, size - at - length);
        return size - length;
    case 3: /* cut */
        return at;
    default: /* insert a piece of another input */
        length = length < other.size - from ? length : other.size - from;
        if (size + length <= INPUT_BYTES_MAX) {
            memmove(data + at + length, data + at, size - at);
            memcpy(data + at, other.data + from, length);
            return size + length;
        }
    }
    return size;
}

int main(int argc, char **argv) {
    static uint8_t data[INPUT_BYTES_MAX];
    struct corpus corpus = {0};
    unsigned long runs = 0, seed = 1;
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    for (int i = 1; i < argc; i++) {
        if (sscanf(argv[i], "-runs=%lu", &runs) != 1 && sscanf(argv[i], "-seed=%lu", &seed) != 1) {
            add(&corpus, argv[i]);
        }
    }
    FUZZ_ASSERT(corpus.count > 0);
    for (size_t i = 0; i < corpus.count; i++) {
        run(name, corpus.inputs[i].data, corpus.inputs[i].size);
    }
    struct rng rng = rng_make(seed, 0);
    for (unsigned long i = 0; i < runs; i++) {
        struct bytes input = corpus.inputs[rng_below(&rng, corpus.count)];
        size_t size = input.size;
        memcpy(data, input.data, size);
        for (uint64_t edits = 1 + rng_below(&rng, EDITS_MAX); edits > 0; edits--) {
            size = edit(&rng, &corpus, data, size);
        }
        run(name, data, size);
    }
    printf("%s: %zu inputs, %lu mutations\n", name, corpus.count, runs);
    for (size_t i = 0; i < corpus.count; i++) {
        free((void *)(uintptr_t)corpus.inputs[i].data);
    }
    free(corpus.inputs);
    return 0;
}
