/* mapping_number: texts that are numbers. */
#ifndef PROMOSTREAM_SCHEMAS_MAPPING_NUMBER_H
#define PROMOSTREAM_SCHEMAS_MAPPING_NUMBER_H

#include "base/bytes.h"

/* A whole decimal text, -12.5e3 at most 40 bytes: no blanks, no hexadecimal, no inf or nan. False
 * otherwise, and if no double holds it. */
bool mapping_parse_number(struct bytes text, double *out);
/* A whole integer of 64 bits. */
bool mapping_parse_integer(struct bytes text, int64_t *out);

#endif
