/* model_header: the JSON in a model file. Pure but for memory. */
#ifndef PROMOSTREAM_LEARN_MODEL_HEADER_H
#define PROMOSTREAM_LEARN_MODEL_HEADER_H

#include "consumer/learn/model_file.h"

void model_header_write(const struct fitted *fitted, const struct model_origin *origin,
                        struct buffer *out);
/* Fills *out as fitted_init does. STOP: text says what is missing or unknown; *out is empty. */
MUST_CHECK struct failure model_header_read(struct bytes json, struct fitted *out,
                                            struct model_origin *out_origin);

#endif
