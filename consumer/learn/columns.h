/* columns: what the columns of a file are for a learner: numbers, categories, the label and other
 * roles. Owns its texts. One thread.
 *
 * A column that nobody typed is typed from the file's first rows (columns_infer.h): whole numbers
 * with at most COLUMNS_LEVELS_MAX different values count as categories. Types can be written to a
 * file and read back (columns_yaml.h), and stand in a saved model. */
#ifndef PROMOSTREAM_LEARN_COLUMNS_H
#define PROMOSTREAM_LEARN_COLUMNS_H

#include "base/buffer.h"
#include "base/failure.h"
#include "consumer/learn/evaluation.h"
#include "model/learner.h"

#define COLUMNS_LEVELS_MAX  50
#define COLUMNS_CROSSES_MAX 64
#define COLUMNS_MISSING_MAX 16

/* X(enumerator, as files and tables call it) */
#define COLUMN_TYPES(X)                                                                            \
    X(COLUMN_UNTYPED, "untyped")                                                                   \
    X(COLUMN_NUMERIC, "numeric")                                                                   \
    X(COLUMN_CATEGORICAL, "categorical")                                                           \
    X(COLUMN_LABEL, "label")                                                                       \
    X(COLUMN_WEIGHT, "weight")                                                                     \
    X(COLUMN_TIME, "time")                                                                         \
    X(COLUMN_GROUP, "group")                                                                       \
    X(COLUMN_IGNORED, "ignore")
#define COLUMN_TYPE_ENUM(id, name) id,
enum column_type { COLUMN_TYPES(COLUMN_TYPE_ENUM) COLUMN_TYPE_COUNT };
extern const char *const column_type_names[COLUMN_TYPE_COUNT + 1]; /* ended by NULL */

/* What the first rows showed. */
struct column_facts {
    int64_t rows, missing;
    int64_t levels; /* different values, counted up to COLUMNS_LEVELS_MAX + 1 */
    bool is_numeric, is_whole;
    double least, most;   /* of a numeric one */
    int64_t numbers;      /* how many values are */
    struct bytes example; /* the first text that is no number; owned by columns */
    uint64_t example_line;
};

struct column {
    char *name;
    enum column_type type;
    /* A number outside is cut to it and flagged (columns_fit); NaN = no bound. */
    double low, high;
    struct column_facts facts;
};

/* How a label becomes a number. */
enum label_rule {
    LABEL_IS_NUMBER,  /* regression */
    LABEL_IS_ONE_OF,  /* 1 for positive, 0 for negative; case does not count; "1": 0 and -1 are
                         negative */
    LABEL_IS_POSITIVE /* 1 for positive, 0 for everything else */
};

struct columns {
    struct column *items;
    size_t count;
    enum task task;
    enum label_rule label_rule;
    char *positive, *negative; /* NULL where the rule needs none */
    char *missing[COLUMNS_MISSING_MAX];
    size_t missing_count;
    size_t crosses[COLUMNS_CROSSES_MAX][2]; /* pairs of categorical columns */
    size_t cross_count;
    /* Crosses of features of an open vocabulary (VW text): pairs of namespaces. */
    char *namespace_crosses[COLUMNS_CROSSES_MAX][2];
    size_t namespace_cross_count;

    /* By role, set by columns_arrange: indices into items, -1 = none. */
    int label, weight, time, group;
    size_t *numbers, *names; /* [number_count], [name_count - cross_count] */
    size_t number_count, name_count;
    const char **number_texts, **name_texts; /* for struct learner_space; crosses "a x b" last */
};

/* Columns of these names, all untyped. */
void columns_init(struct columns *columns, const char *const *names, size_t count);
void columns_clean_up(struct columns *columns); /* idempotent; a zeroed one is fine */
/* Index by exact name, -1. */
int columns_find(const struct columns *columns, const char *name);
/* STOP: `no column "pirce", did you mean "price"?` */
MUST_CHECK struct failure columns_require(const struct columns *columns, const char *name,
                                          size_t *out);
/* After types and crosses are set. STOP: two columns of one role, a cross of a column that is not
 * categorical, nothing to learn from. has_open_vocabulary: features come without columns. */
MUST_CHECK struct failure columns_arrange(struct columns *columns, bool has_open_vocabulary);
struct learner_space columns_space(const struct columns *columns);

/* Is the text of a number or category missing? Empty, or one of missing; of numbers also NA, N/A,
 * NaN, null and None, whatever case. */
bool columns_is_missing(const struct columns *columns, struct bytes text, bool is_number);
/* False: the text is no label by the rule. */
bool columns_label(const struct columns *columns, struct bytes text, double *out);

/* Bounds of what counts as an outlier, from values[count] (NaN = missing; sorted by the call): one
 * whole range of the middle 99.8 % beyond that. None where that range is 0. */
void columns_bounds(double *values, size_t count, double *out_low, double *out_high);

/* An aligned table: column, type, what was seen. */
void columns_write(const struct columns *columns, struct buffer *out);

#endif
