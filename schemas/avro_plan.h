/* avro_plan: a writer's schema and a mapping, compiled into a flat program that decodes a message
 * straight into our event: fields that nobody maps are skipped, texts are lent out of the message,
 * nothing is allocated, no value of the stranger's makes the work longer than the message.
 *
 * Compile once per (schema, mapping); run it as often as wished. A plan is read-only: any thread.
 */
#ifndef PROMOSTREAM_SCHEMAS_AVRO_PLAN_H
#define PROMOSTREAM_SCHEMAS_AVRO_PLAN_H

#include "schemas/mapping.h"
#include "schemas/writer_schema.h"

#define AVRO_PLAN_DEPTH_MAX 32 /* nested values of a recursive type in one message */
#define AVRO_PLAN_OPS_MAX   65536

struct avro_plan;

/* The schema's root must be a record, or a union of records (and null: such a message is
 * EVENT_EMPTY). STOP if type or time of the mapping come from nowhere in this schema, or the
 * program would be too long. A path that this schema does not have is no failure: its field takes
 * the next alternative or the default; warnings (NULL = nobody reads them) gets a line for each
 * field all of whose paths are absent, with the nearest name that the schema has. The mapping must
 * outlive the plan, the schema need not. */
MUST_CHECK struct failure avro_plan_new(const struct writer_schema *schema,
                                        const struct mapping *mapping, FILE *warnings,
                                        struct avro_plan **out);
void avro_plan_destroy(struct avro_plan *plan); /* NULL is fine */

/* Decodes one Avro body (no framing). out->lines must point to EVENT_LINES_MAX lines. Texts point
 * into body, into scratch or into the plan. Work is O(body.size): counts of items that take no
 * bytes are bounded. On any verdict but EVENT_OK *out is unspecified. EVENT_TOO_DEEP beyond
 * AVRO_PLAN_DEPTH_MAX, EVENT_MISSING_FIELD without a type or a time. */
enum event_verdict avro_plan_decode(const struct avro_plan *plan, struct bytes body,
                                    struct mapping_scratch *scratch, struct event *out);

#endif
