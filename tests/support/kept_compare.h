/* kept_compare: committed records against those computed again. Each call looks at one topic and
 * writes the first difference as text; true = there is none. */
#ifndef PROMOSTREAM_TESTS_KEPT_COMPARE_H
#define PROMOSTREAM_TESTS_KEPT_COMPARE_H

#include "tests/support/kept_log.h"

/* Record by record, per partition; offsets do not count. */
bool kept_compare_in_order(enum topic topic, const struct kept_topic *committed,
                           const struct kept_topic *computed, struct buffer *out);
/* The same records, in any order. */
bool kept_compare_as_sets(enum topic topic, const struct kept_topic *committed,
                          const struct kept_topic *computed, struct buffer *out);
/* The last record of each key, tombstones dropped. */
bool kept_compare_folded(enum topic topic, const struct kept_topic *committed,
                         const struct kept_topic *computed, struct buffer *out);

#endif
