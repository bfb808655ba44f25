#include "base/nearest.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

void nearest_init(struct nearest *nearest, const char *sought) {
    *nearest = (struct nearest){.sought = sought};
}

/* One slip in a short word, two in an ordinary one, three in a long one: beyond that a guess
 * misleads. */
static size_t slips_max(size_t length) {
    return length <= 3 ? 1 : length <= 8 ? 2 : 3;
}

void nearest_offer(struct nearest *nearest, const char *name) {
    size_t sought_size = strnlen(nearest->sought, NEAREST_NAME_MAX + 1);
    size_t name_size = strnlen(name, NEAREST_NAME_MAX + 1);
    if (sought_size > NEAREST_NAME_MAX || name_size > NEAREST_NAME_MAX) {
        return;
    }
    size_t distance = nearest_distance(nearest->sought, name);
    if (distance > slips_max(sought_size) || distance >= sought_size || distance >= name_size) {
        return;
    }
    if (!nearest->name || distance < nearest->distance) {
        nearest->name = name;
        nearest->distance = distance;
    }
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static int fold(char c) {
    return tolower((unsigned char)c);
}

size_t nearest_distance(const char *a, const char *b) {
    size_t a_size = strlen(a), b_size = strlen(b);
    assert(a_size <= NEAREST_NAME_MAX && b_size <= NEAREST_NAME_MAX);
    /* Three rows of the table of distances between prefixes: a swap looks back two rows. */
    size_t rows[3][NEAREST_NAME_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_size; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = last[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
            row[j] = least(replaced, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1])) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b_size];
}
