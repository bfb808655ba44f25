/* nearest: which of the known names did the writer mean? Used by every "unknown name" error. */
#ifndef PROMOSTREAM_BASE_NEAREST_H
#define PROMOSTREAM_BASE_NEAREST_H

#include <stddef.h>

/* Names longer than this are never near anything; it bounds the work on hostile input. */
#define NEAREST_NAME_MAX 64

struct nearest {
    const char *sought; /* lent */
    const char *name;   /* nearest of those offered so far and near enough; NULL if none is */
    size_t distance;    /* of name */
};

void nearest_init(struct nearest *nearest, const char *sought);
/* The first of equally near names wins. */
void nearest_offer(struct nearest *nearest, const char *name);
/* Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, replacements and
 * swaps of neighbours cost 1; case costs nothing. Both at most NEAREST_NAME_MAX bytes. */
size_t nearest_distance(const char *a, const char *b);

#endif
