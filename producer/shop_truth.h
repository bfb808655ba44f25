/* shop_truth: the truth file, JSON lines. A decision: what each arm would have done. A delivery:
 * which arm reached the cart, by the id of promostream's decision, and whether it alone brought the
 * order. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_TRUTH_H
#define PROMOSTREAM_PRODUCER_SHOP_TRUTH_H

#include "producer/shop.h"

struct shop_truth_file {
    FILE *file; /* NULL: none, everything is dropped */
    const char *path;
};

/* path is borrowed; NULL for none. */
MUST_CHECK struct failure shop_truth_open(const char *path, struct shop_truth_file *out);
void shop_truth_write(const struct shop_truth_file *truth, const struct shop_truth *row);
void shop_truth_write_delivery(const struct shop_truth_file *truth, struct hash128 shop_decision,
                               struct hash128 push_decision, int64_t at_ms, enum shop_arm arm,
                               bool brought_order);
/* STOP if anything could not be written. Idempotent. */
MUST_CHECK struct failure shop_truth_close(struct shop_truth_file *truth);

#endif
