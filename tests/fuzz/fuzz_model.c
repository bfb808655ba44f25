/* Rows of a learner and of its track record, as a worker takes them from the topic `model`. The
 * first byte says of which kind. The rows are those of a learner that has learned; the input says
 * which are taken, what is written over them, and where versions end. Whatever passes the checks,
 * the model must go on: scores are finite or refused by a verdict, and a fresh model takes its
 * rows; without edited rows that one is the same model. */
#include "consumer/pipeline_config.h"
#include "consumer/rooms/models.h"
#include "schemas/schemas.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "model/learner_options.h"
#include "model/logistic.h"

#define EXAMPLES    400 /* that the rows stand for */
#define ROWS_MAX    4096
#define WINDOW_MS   (INT64_C(7) * 86400000)
#define START_MS    INT64_C(1790000000000)
#define VALUE_BYTES 4096
#define KINDS_MAX   16

struct rows {
    struct learner_row items[ROWS_MAX];
    size_t count;
};

struct scene {
    struct pipeline_config config;
    const struct learner_config *learner;
    uint64_t arms[OFFERS_MAX + 1];
    size_t arm_count;
    struct rows honest;
};

struct drawn {
    double numbers[ROW_NUMBERS_MAX];
    struct bytes names[ROW_NAMES_MAX];
    struct learner_example example;
    struct track_example track;
};

static void draw(const struct scene *scene, struct rng *rng, struct drawn *out) {
    static const char *const words[] = {"", "observe", "cart_abandoned", "shoes", "DE", "new"};
    for (size_t i = 0; i < model_space.number_count; i++) {
        out->numbers[i] = rng_below(rng, 8) == 0 ? (double)NAN : floor(50 * rng_unit(rng));
    }
    for (size_t i = 0; i < model_space.name_count; i++) {
        out->names[i] = bytes_of_text(words[rng_below(rng, sizeof words / sizeof words[0])]);
    }
    int64_t decided_ms = START_MS + (int64_t)rng_below(rng, 20 * 86400000ULL);
    out->example = (struct learner_example){
        .input = {.numbers = out->numbers, .names = out->names},
        .arm = scene->arms[rng_below(rng, scene->arm_count)],
        .label = (double)rng_below(rng, 2),
        .time_ms = decided_ms,
        .id = rng_u64(rng),
        .p_first = rng_below(rng, 4) == 0 ? (double)NAN : rng_unit(rng),
        .weight = 1,
    };
    out->track = (struct track_example){
        .id_high = out->example.id,
        .origin = (int)rng_below(rng, TRACK_ORIGINS),
        .arm = out->example.arm,
        .decided_ms = decided_ms,
        .labelled_ms = decided_ms + 3600000,
        .label = out->example.label,
        .p_first = out->example.p_first,
    };
}

static void learn(const struct scene *scene, struct model *model, uint64_t seed, int count) {
    struct rng rng = rng_make(seed, 0);
    for (int i = 0; i < count; i++) {
        struct drawn drawn;
        draw(scene, &rng, &drawn);
        if (track_take(model->track, &drawn.track)) {
            (void)model->kind->learn(model->memory, &drawn.example);
        }
    }
}

static void keep_row(void *context, const struct learner_row *row) {
    struct rows *rows = context;
    FUZZ_ASSERT(rows->count < ROWS_MAX);
    struct learner_row *copy = &rows->items[rows->count++];
    *copy = *row;
    uint8_t *values = memory_new(1, row->values.size + 1);
    memcpy(values, row->values.data, row->values.size);
    copy->values = bytes_of(values, row->values.size);
}

static void export_all(struct model *model, struct rows *out) {
    model->kind->export_rows(model->memory, true, keep_row, out);
    track_export_rows(model->track, true, keep_row, out);
}

static void forget(struct rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        free((void *)(uintptr_t)rows->items[i].values.data);
    }
    rows->count = 0;
}

/* Small tables and networks: learners are made anew for every input. */
static void append_options(const struct learner_kind *kind, struct buffer *out) {
    static const char *const small[][2] = {
        {"bits", "10"},
        {"wide_bits", "10"},
        {"embedding_bits", "6"},
        {"k", "2"},
        {"hidden", "3"},
        {"steps", "4"},
        {"layers", "\"embedding:2 dropout:0.2 dense:4:relu norm dense:1\""}};
    if (kind == &learner_logistic) {
        buffer_append(out, bytes_of_text("bits: 10, crosses: [\"age_band:gender\"]"));
        return;
    }
    const char *divider = "options: {";
    for (size_t i = 0; i < kind->option_count; i++) {
        for (size_t j = 0; j < sizeof small / sizeof small[0]; j++) {
            if (strcmp(kind->options[i].name, small[j][0]) == 0) {
                buffer_format(out, "%s%s: %s", divider, small[j][0], small[j][1]);
                divider = ", ";
            }
        }
    }
    buffer_append_byte(out, '}');
}

static struct scene *open_scene(const struct learner_kind *kind) {
    struct buffer text = {0};
    buffer_format(&text, "learn: {learners: [{name: logistic, kind: %s, role: champion, ",
                  kind->name);
    append_options(kind, &text);
    buffer_append(
        &text, bytes_of_text(
                   "}]}\n"
                   "decide: {offers: [{id: ten, kind: percent_off, value: 10, title: t, body: b},\n"
                   "  {id: ship, kind: free_shipping, cost: 5, title: t, body: b}]}\n"));
    struct scene *scene = fuzz_keep(memory_new(1, sizeof *scene));
    FUZZ_ASSERT(!failed(pipeline_config_load_text("fuzz", (const char *)text.data, text.size,
                                                  stderr, &scene->config)));
    buffer_clean_up(&text);
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    FUZZ_ASSERT(learn_config_list(&scene->config.learn, learners) == 1);
    scene->learner = learners[0];
    struct learner_arm arms[OFFERS_MAX];
    size_t offer_count = model_arms(&scene->config.decide, arms);
    for (size_t i = 0; i < offer_count; i++) {
        scene->arms[1 + i] = arms[i].key;
    }
    scene->arm_count = 1 + offer_count;
    struct model model;
    model_init(&model, scene->learner, &scene->config.decide);
    learn(scene, &model, 1, EXAMPLES);
    export_all(&model, &scene->honest);
    model_clean_up(&model);
    return scene;
}

/* ---- records ---- */

static void take_framed(const struct scene *scene, struct model *model, struct bytes name,
                        const char *kind, struct bytes values, int64_t version_offset) {
    struct model_metrics metrics = {0};
    struct buffer key = {0}, value = {0};
    struct bytes learner = bytes_of_text(scene->learner->name);
    buffer_append(&key, learner);
    buffer_append_byte(&key, '/');
    buffer_append(&key, name);
    struct model_row row = {.learner = learner,
                            .row = name,
                            .kind = bytes_of_text(kind),
                            .values = values,
                            .version_offset = version_offset};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, &value);
    model_row_encode(&row, &value);
    (void)model_take_record(model, &scene->config.learn, WINDOW_MS, buffer_bytes(&key),
                            buffer_bytes(&value), &metrics);
    buffer_clean_up(&key);
    buffer_clean_up(&value);
}

static void take_row(const struct scene *scene, struct model *model,
                     const struct learner_row *row) {
    take_framed(scene, model, bytes_of_text(row->key), learner_row_kind_names[row->kind],
                row->values, 7);
}

static double special(struct fuzz_input *input) {
    static const double numbers[] = {
        0,      -0.0, 1,     -1,    1e-310, 1e15,     -1e15,     1e30,         -1e30,
        1.1e30, 1e38, -3e38, 1e300, NAN,    INFINITY, -INFINITY, 4294967295.0, 9007199254740993.0,
        0.5,    1e-12};
    uint64_t choice = fuzz_number(input, 1);
    if (choice < sizeof numbers / sizeof numbers[0]) {
        return numbers[choice];
    }
    uint64_t bits = fuzz_number(input, 8);
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* A row of the honest ones, with a number or some bytes written over. */
static void take_edited(const struct scene *scene, struct model *model, struct fuzz_input *input,
                        unsigned how) {
    static uint8_t values[LEARNER_ROW_BYTES_MAX];
    struct learner_row row = scene->honest.items[fuzz_number(input, 2) % scene->honest.count];
    size_t size = row.values.size;
    memcpy(values, row.values.data, size);
    size_t place = (size_t)fuzz_number(input, 2);
    if (how == 0 && size >= 8) {
        double number = special(input);
        memcpy(values + place % (size / 8) * 8, &number, 8);
    } else if (how == 1 && size >= 4) {
        float number = (float)special(input);
        memcpy(values + place % (size / 4) * 4, &number, 4);
    } else if (how == 2 && size > 0) {
        values[place % size] ^= (uint8_t)fuzz_number(input, 1);
    } else if (how == 3) {
        size = place < VALUE_BYTES ? place : size;
    }
    row.values = bytes_of(values, size);
    take_row(scene, model, &row);
}

static void take_any(const struct scene *scene, struct model *model, struct fuzz_input *input) {
    unsigned kind = (unsigned)fuzz_number(input, 1);
    struct bytes name = fuzz_piece(input), values = fuzz_piece(input);
    take_framed(scene, model, name, learner_row_kind_names[kind % LEARNER_ROW_KINDS], values, 7);
    free((void *)(uintptr_t)name.data);
    free((void *)(uintptr_t)values.data);
}

static void take_raw(const struct scene *scene, struct model *model, struct fuzz_input *input) {
    struct model_metrics metrics = {0};
    struct bytes key = fuzz_piece(input), value = fuzz_piece(input);
    (void)model_take_record(model, &scene->config.learn, WINDOW_MS, key,
                            value.size > 0 ? value : bytes_of(NULL, 0), &metrics);
    free((void *)(uintptr_t)key.data);
    free((void *)(uintptr_t)value.data);
}

static void take_end(const struct scene *scene, struct model *model) {
    struct model_metrics metrics = {0};
    model_take_end(model, &scene->config.learn, WINDOW_MS, &metrics);
}

/* False if the row that was taken is not of the honest ones. */
static bool step(const struct scene *scene, struct model *model, struct fuzz_input *input) {
    unsigned op = (unsigned)fuzz_number(input, 1) % 12;
    switch (op) {
    case 0:
    case 1:
    case 2:
    case 3:
        take_edited(scene, model, input, op);
        break;
    case 4:
        take_row(scene, model, &scene->honest.items[fuzz_number(input, 2) % scene->honest.count]);
        break;
    case 5:
        take_any(scene, model, input);
        break;
    case 6:
        take_raw(scene, model, input);
        break;
    case 7:
        take_framed(scene, model, bytes_of_text(MODEL_VERSION_ROW), MODEL_VERSION_ROW,
                    bytes_of(NULL, 0), (int64_t)fuzz_number(input, 8));
        break;
    case 8:
        take_end(scene, model);
        break;
    case 9:
        for (size_t i = 0; i < scene->honest.count; i++) {
            take_row(scene, model, &scene->honest.items[i]);
        }
        break;
    default:
        learn(scene, model, fuzz_number(input, 1), 4);
    }
    return op >= 4 && op != 5 && op != 6;
}

/* ---- what must hold ---- */

static void visit_term(void *context, const struct learner_term *term) {
    FUZZ_ASSERT(memchr(term->name, 0, sizeof term->name));
    *(double *)context += term->value;
}

static enum learner_verdict score(const struct scene *scene, const struct model *model,
                                  const struct drawn *drawn, struct learner_scores *out) {
    size_t arms = scene->arm_count;
    enum learner_verdict verdict =
        model->kind->score(model->memory, &drawn->example.input, scene->arms, arms, out);
    for (size_t i = 0; i < arms && verdict == LEARNER_OK; i++) {
        const struct learner_arm_score *arm = &out->arms[i];
        FUZZ_ASSERT(isfinite(arm->mean) && isfinite(arm->raw) && arm->p >= 0 && arm->p <= 1);
        FUZZ_ASSERT(out->covariance[i * arms + i] >= 0);
        for (size_t j = 0; j < arms; j++) {
            FUZZ_ASSERT(isfinite(out->covariance[i * arms + j]));
        }
    }
    return verdict;
}

/* Of one example: a factorisation machine's pairs take long. */
static void check_words(const struct scene *scene, const struct model *model) {
    struct rng rng = rng_make(3, 0);
    struct drawn drawn;
    char text[2048];
    double sum = 0;
    draw(scene, &rng, &drawn);
    model->kind->explain(model->memory, &drawn.example.input, drawn.example.arm, visit_term, &sum);
    model->kind->describe(model->memory, text, sizeof text);
    FUZZ_ASSERT(memchr(text, 0, sizeof text));
}

static void check_scores(const struct scene *scene, const struct model *model,
                         const struct model *copy, bool is_honest) {
    struct rng rng = rng_make(2, 0);
    size_t arms = scene->arm_count;
    for (int i = 0; i < 3; i++) {
        struct drawn drawn;
        struct learner_scores scores, others;
        draw(scene, &rng, &drawn);
        enum learner_verdict verdict = score(scene, model, &drawn, &scores);
        enum learner_verdict other = score(scene, copy, &drawn, &others);
        FUZZ_ASSERT(!is_honest || (verdict == LEARNER_OK && other == LEARNER_OK));
        if (is_honest) {
            FUZZ_ASSERT(memcmp(scores.arms, others.arms, arms * sizeof scores.arms[0]) == 0);
            FUZZ_ASSERT(memcmp(scores.covariance, others.covariance,
                               arms * arms * sizeof scores.covariance[0]) == 0);
        }
    }
}

static void check_track(const struct scene *scene, const struct model *model) {
    for (int origin = -1; origin < TRACK_ORIGINS; origin++) {
        double ratio, low, high;
        struct track_calibration sums = track_calibration_of(model->track, origin, WINDOW_MS, 14);
        track_ratio(&sums, &ratio, &low, &high);
    }
    struct track_arm arm;
    for (size_t i = 0; i < scene->arm_count; i++) {
        (void)track_arm_of(model->track, scene->arms[i], &arm);
    }
}

static void copy_rows(const struct scene *scene, struct model *model, struct model *out) {
    static struct rows rows;
    export_all(model, &rows);
    model_init(out, scene->learner, &scene->config.decide);
    for (size_t i = 0; i < rows.count; i++) {
        const struct learner_row *row = &rows.items[i];
        if (track_owns_row(row)) {
            FUZZ_ASSERT(track_check_row(out->track, row) == LEARNER_OK);
            track_import_row(out->track, row);
        } else {
            FUZZ_ASSERT(out->kind->check_row(out->memory, row) == LEARNER_OK);
            out->kind->import_row(out->memory, row);
        }
    }
    forget(&rows);
}

static void check_equal(struct model *model, struct model *copy) {
    static struct rows rows, others;
    export_all(model, &rows);
    export_all(copy, &others);
    FUZZ_ASSERT(rows.count == others.count);
    for (size_t i = 0; i < rows.count; i++) {
        FUZZ_ASSERT(bytes_equal(rows.items[i].values, others.items[i].values));
    }
    forget(&rows);
    forget(&others);
}

/* Now, and after further examples. */
static void check_copy(const struct scene *scene, struct model *model, bool is_honest) {
    struct model copy;
    copy_rows(scene, model, &copy);
    check_scores(scene, model, &copy, is_honest);
    learn(scene, model, 3, 8);
    learn(scene, &copy, 3, 8);
    check_scores(scene, model, &copy, is_honest);
    if (is_honest) {
        check_equal(model, &copy);
    }
    model_clean_up(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct scene *scenes[KINDS_MAX];
    static size_t kind_count;
    if (kind_count == 0) {
        schemas_init();
        for (; learner_kinds[kind_count]; kind_count++) {
            FUZZ_ASSERT(kind_count < KINDS_MAX);
            scenes[kind_count] = open_scene(learner_kinds[kind_count]);
        }
    }
    struct fuzz_input input = {bytes_of(data, size)};
    const struct scene *scene = scenes[fuzz_number(&input, 1) % kind_count];
    struct model model;
    bool is_honest = true;
    model_init(&model, scene->learner, &scene->config.decide);
    for (int steps = 0; input.left.size > 0 && steps < 64; steps++) {
        is_honest &= step(scene, &model, &input);
    }
    take_end(scene, &model);
    check_words(scene, &model);
    check_track(scene, &model);
    check_copy(scene, &model, is_honest);
    model_clean_up(&model);
    return 0;
}
