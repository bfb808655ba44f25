/* random_mapping: a section `mapping` over the paths of a random schema. */
#ifndef PROMOSTREAM_TESTS_RANDOM_MAPPING_H
#define PROMOSTREAM_TESTS_RANDOM_MAPPING_H

#include "tests/support/random_schema.h"

/* Appends the YAML and a NUL. Type and time come from the paths that are always there, other fields
 * from one to three paths, most of their own kind, with units, values and defaults now and then. */
void random_mapping_write(struct rng *rng, const struct random_schema *schema, struct buffer *out);

#endif
