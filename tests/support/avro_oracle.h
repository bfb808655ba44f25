/* avro_oracle: what Avro-C, an independent implementation, makes of our bytes. Test code only:
 * Avro-C must not meet hostile bytes. */
#ifndef PROMOSTREAM_TESTS_AVRO_ORACLE_H
#define PROMOSTREAM_TESTS_AVRO_ORACLE_H

#include <avro.h>

#include "schemas/schemas.h"

struct avro_oracle {
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_value_t value;
};

void avro_oracle_init(struct avro_oracle *oracle, enum schema schema);
/* The same for a schema of somebody else's, given as JSON. Ends the process if Avro-C refuses it.
 */
void avro_oracle_init_text(struct avro_oracle *oracle, struct bytes text);
void avro_oracle_clean_up(struct avro_oracle *oracle);
/* Reads the body into oracle->value. False unless it is exactly one record. */
bool avro_oracle_read(struct avro_oracle *oracle, struct bytes body);
/* Appends oracle->value as Avro-C encodes it. */
void avro_oracle_write(struct avro_oracle *oracle, struct buffer *out);
/* oracle->value as one line of JSON, to be freed by the caller. */
char *avro_oracle_json(struct avro_oracle *oracle);

#endif
