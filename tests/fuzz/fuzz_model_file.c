/* Model files (.psm): the first byte says whether the rest is a whole file (bit 0), or a header and
 * the bodies of rows, each with its length, of which a file is made; of a whole one length and
 * checksum are set right if bit 1 is. Whatever loads scores finite or refuses by a verdict, and
 * what it is saved as loads again: the same scores, the same bytes. */
#include "base/hash.h"
#include "base/rng.h"
#include "consumer/learn/model_file.h"
#include "schemas/schemas.h"
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { IS_WHOLE = 1, IS_SEALED = 2 };
#define HEADER_AT   32
#define FRAME_BYTES 48
#define MEMORY_MAX  ((size_t)4 << 20) /* a header of some bytes may ask for gigabytes */
#define SCORES      4

/* ---- the file ---- */

static void set(uint8_t *at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static void put(struct buffer *out, uint64_t value, int bytes) {
    set(buffer_reserve(out, (size_t)bytes), value, bytes);
    out->size += (size_t)bytes;
}

static void seal(struct buffer *file) {
    if (file->size >= FRAME_BYTES) {
        set(file->data + 16, file->size, 8);
        uint64_t hash = hash64(bytes_of(file->data, file->size - 8), 0);
        set(file->data + file->size - 8, hash, 8);
    }
}

static void write_file(struct fuzz_input *input, struct buffer *out) {
    buffer_append(out, bytes_of("\x89PSM\r\n\x1a\n\1\0\0\0\0\0\0", 16));
    put(out, 0, 8);
    struct bytes header = fuzz_piece(input);
    put(out, header.size, 8);
    buffer_append(out, header);
    free((void *)(uintptr_t)header.data);
    size_t count_at = out->size, count = 0;
    put(out, 0, 8);
    for (; input->left.size > 0; count++) {
        struct bytes row = fuzz_piece(input);
        put(out, row.size, 4);
        buffer_append(out, row);
        free((void *)(uintptr_t)row.data);
    }
    set(out->data + count_at, count, 8);
    put(out, 0, 8);
    seal(out);
}

/* ---- headers that are worth the time ---- */

static size_t memory_of(const json_t *root, const struct learner_kind *kind) {
    size_t columns = json_array_size(json_object_get(root, "columns"));
    size_t crosses = json_array_size(json_object_get(root, "crosses"));
    const struct learner_space space = {.number_count = columns, .name_count = columns + crosses};
    void *options = memory_new(1, kind->options_bytes);
    const char *name;
    json_t *value;
    learner_options_default(kind, options);
    json_object_foreach(json_object_get(root, "options"), name, value) {
        char error[LEARNER_OPTION_TEXT_MAX];
        const char *text = json_string_value(value);
        (void)(text && learner_options_set(kind, options, name, text, error, sizeof error));
    }
    size_t bytes = kind->memory_bytes(options, &space);
    free(options);
    return bytes;
}

static bool is_small(struct bytes file) {
    if (file.size < FRAME_BYTES) {
        return true;
    }
    json_t *root = json_loadb((const char *)file.data + HEADER_AT, file.size - HEADER_AT,
                              JSON_DISABLE_EOF_CHECK, NULL);
    const char *name = json_string_value(json_object_get(root, "learner"));
    const struct learner_kind *kind = name ? learner_kind_find(name) : NULL;
    bool is_small = !kind || memory_of(root, kind) <= MEMORY_MAX;
    json_decref(root);
    return is_small;
}

/* ---- what must hold ---- */

static double draw_number(struct rng *rng) {
    static const double numbers[] = {0, -0.0, 1, -7, 1e-300, 1e15, -1e15, 0.5, NAN, 1e16};
    return numbers[rng_below(rng, sizeof numbers / sizeof numbers[0])];
}

/* Scores of drawn rows; refused ones are NaN. */
static void score(struct fitted *fitted, double out[SCORES]) {
    static const char *const words[] = {"", "a", "red", "2", "\xff"};
    struct rng rng = rng_make(1, 0);
    struct data_row row = {.weight = 1};
    row.numbers = memory_new(fitted->columns.number_count + 1, sizeof *row.numbers);
    row.names = memory_new(fitted->columns.name_count + 1, sizeof *row.names);
    for (int i = 0; i < SCORES; i++) {
        struct learner_feature features[2] = {{rng_u64(&rng), 1}, {rng_u64(&rng), -2.5}};
        for (size_t j = 0; j < fitted->columns.number_count; j++) {
            row.numbers[j] = draw_number(&rng);
        }
        for (size_t j = 0; j < fitted->columns.name_count; j++) {
            row.names[j] = bytes_of_text(words[rng_below(&rng, sizeof words / sizeof words[0])]);
        }
        row.features = features;
        row.feature_count = (size_t)i % 3;
        struct learner_input input = fitted_input(fitted, &row);
        out[i] = (double)NAN;
        FUZZ_ASSERT(fitted_score(fitted, &input, &out[i]) != LEARNER_OK || isfinite(out[i]));
    }
    free(row.numbers);
    free(row.names);
}

/* Saves it, and gives the file's bytes. */
static void save(struct fitted *fitted, const struct model_origin *origin, struct buffer *out) {
    char path[64];
    (void)snprintf(path, sizeof path, "/dev/shm/fuzz-%ld.psm", (long)getpid());
    FUZZ_ASSERT(!failed(model_file_save(path, fitted, origin)));
    FILE *file = fopen(path, "r");
    FUZZ_ASSERT(file);
    for (size_t got = 1; got > 0; out->size += got) {
        got = fread(buffer_reserve(out, 1 << 16), 1, 1 << 16, file);
    }
    fclose(file);
    unlink(path);
}

static void check_model(struct fitted *fitted, const struct model_origin *origin) {
    double scores[SCORES], others[SCORES];
    struct buffer first = {0}, second = {0};
    struct fitted again;
    struct model_origin origin_again;
    score(fitted, scores);
    save(fitted, origin, &first);
    FUZZ_ASSERT(!failed(model_file_load(fuzz_path(buffer_bytes(&first)), &again, &origin_again)));
    score(&again, others);
    FUZZ_ASSERT(memcmp(scores, others, sizeof scores) == 0);
    save(&again, &origin_again, &second);
    FUZZ_ASSERT(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    fitted_clean_up(&again);
    buffer_clean_up(&first);
    buffer_clean_up(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {bytes_of(data, size)};
    struct buffer file = {0};
    struct fitted fitted;
    struct model_origin origin;
    unsigned flags = (unsigned)fuzz_number(&input, 1);
    if (flags & IS_WHOLE) {
        buffer_append(&file, input.left);
    } else {
        write_file(&input, &file);
    }
    if (flags & IS_SEALED) {
        seal(&file);
    }
    if (is_small(buffer_bytes(&file)) &&
        !failed(model_file_load(fuzz_path(buffer_bytes(&file)), &fitted, &origin))) {
        check_model(&fitted, &origin);
        fitted_clean_up(&fitted);
    }
    buffer_clean_up(&file);
    return 0;
}
