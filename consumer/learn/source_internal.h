/* source_internal: the formats behind source.h. */
#ifndef PROMOSTREAM_LEARN_SOURCE_INTERNAL_H
#define PROMOSTREAM_LEARN_SOURCE_INTERNAL_H

#include "base/input_file.h"
#include "consumer/learn/source.h"

struct source_csv;
struct source_vw;
struct source_avro;

struct source {
    enum source_format format;
    char *name;
    struct input_file *input; /* of VW and Avro; a CSV's reader has it */
    const struct columns *columns;
    bool needs_label;
    struct source_csv *csv; /* one of them */
    struct source_vw *vw;
    struct source_avro *avro;

    /* The row that is out. */
    double *numbers;
    struct bytes *names;
    struct buffer cross_text;
    struct learner_feature *features;
    size_t feature_count, feature_capacity;
};

typedef enum row_verdict source_next_row(struct source *source, struct data_row *out,
                                         char error[ROW_ERROR_BYTES_MAX],
                                         struct failure *out_failure);

/* source_csv.c. Takes the input, also if it fails. */
MUST_CHECK struct failure source_csv_open(struct source *source, struct input_file *input,
                                          const struct source_config *config);
MUST_CHECK struct failure source_csv_bind(struct source *source, const char *kept);
source_next_row source_csv_next;
double source_csv_progress(const struct source *source);
void source_csv_close(struct source_csv *csv);

/* source_vw.c: `[label [importance]] ['tag]|namespace[:scale] feature[:value] ... |...` */
bool source_vw_looks_like(struct bytes begin);
void source_vw_open(struct source *source, const struct source_config *config);
source_next_row source_vw_next;
void source_vw_close(struct source_vw *vw);

/* source_avro.c */
MUST_CHECK struct failure source_avro_open(struct source *source,
                                           const struct source_config *config);
void source_avro_columns(const struct source *source, struct columns *out);
MUST_CHECK struct failure source_avro_bind(struct source *source, const char *kept);
source_next_row source_avro_next;
void source_avro_close(struct source_avro *avro);

/* Texts of the crosses from those of the columns: row->names[...] behind the plain ones. */
void source_cross_names(struct source *source);
/* printf into error, safe to print. */
void source_complain(char error[ROW_ERROR_BYTES_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* At most 40 bytes of it, printable, for messages. */
#define SOURCE_SHOWN_BYTES 44
void source_show(struct bytes text, char out[SOURCE_SHOWN_BYTES]);
/* Room for count features behind those that are there. */
static inline void source_reserve_features(struct source *source, size_t count) {
    if (source->feature_count + count > source->feature_capacity) {
        source->feature_capacity = 2 * source->feature_capacity + count + 64;
        source->features =
            memory_grow(source->features, source->feature_capacity, sizeof *source->features);
    }
}

#endif
