/* model_file: a fitted learner in a file (.psm): what it is, its columns and its rows, the very
 * rows that a trainer writes to the topic `model`. Main thread.
 *
 *     8 bytes      89 "PSM" 0D 0A 1A 0A: a transfer as text would change it
 *     u32 u32      format (1), 0
 *     u64          bytes of the whole file
 *     u64, JSON    learner and options, task and label, columns with bounds, crosses, seed, data
 *     u64          rows; each: u32 and so many bytes, the Avro body of a model_row
 *     u64          hash64 of all before
 *
 * Numbers are little-endian. The same fitted learner gives the same bytes. */
#ifndef PROMOSTREAM_LEARN_MODEL_FILE_H
#define PROMOSTREAM_LEARN_MODEL_FILE_H

#include "consumer/learn/fitted.h"

#define MODEL_FILE_FORMAT 1

/* Where it was learned. */
struct model_origin {
    int64_t rows, passes;
    uint64_t data_fingerprint;
};

/* Writes a file beside it, then renames: there is the old model or the new one. */
MUST_CHECK struct failure model_file_save(const char *path, struct fitted *fitted,
                                          const struct model_origin *origin);
/* STOP: not such a file, of a newer format, truncated, damaged, of a learner or with rows that this
 * build does not have. *out is then empty. */
MUST_CHECK struct failure model_file_load(const char *path, struct fitted *out,
                                          struct model_origin *out_origin);

/* The same file of a learner of the pipeline, whose columns are this build's features: header is
 * JSON without columns, so predict refuses it; export_rows gives the rows. */
typedef void model_file_export(void *context, learner_visit_row *visit, void *visit_context);
MUST_CHECK struct failure model_file_save_rows(const char *path, struct bytes header,
                                               const char *learner, int64_t version_offset,
                                               model_file_export *export_rows, void *context);
/* Reads any such file: its header, lent for the call, then, unless that is refused, its rows one by
 * one until visit does not say OK. STOP as model_file_load does. */
typedef struct failure model_file_take_header(void *context, struct bytes json);
typedef enum learner_verdict model_file_visit_row(void *context, const struct learner_row *row);
MUST_CHECK struct failure model_file_visit(const char *path, model_file_take_header *take_header,
                                           model_file_visit_row *visit, void *context);

#endif
