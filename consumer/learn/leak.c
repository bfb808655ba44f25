#include "consumer/learn/leak.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/hash.h"

#define CELLS_MAX ((size_t)LEAK_ROWS_MAX * 128)

struct seen {
    double value;
    uint64_t cell;
    bool is_yes, is_judged;
};

static size_t plain_names(const struct columns *columns) {
    return columns->name_count - columns->cross_count;
}

void leak_watch_init(struct leak_watch *watch, const struct columns *columns) {
    *watch = (struct leak_watch){.columns = columns};
    if (columns->task == TASK_BINARY) {
        watch->width = columns->number_count + plain_names(columns);
    }
    size_t most = watch->width > 0 ? CELLS_MAX / watch->width : 0;
    watch->most = most < LEAK_ROWS_MAX ? most : LEAK_ROWS_MAX;
}

void leak_watch_clean_up(struct leak_watch *watch) {
    free(watch->cells);
    free(watch->labels);
    *watch = (struct leak_watch){0};
}

void leak_watch_add(struct leak_watch *watch, const struct data_row *row) {
    if (watch->count == watch->most || row->is_correction) {
        return;
    }
    if (watch->count == watch->capacity) {
        watch->capacity = watch->capacity ? 2 * watch->capacity : 256;
        watch->cells =
            memory_grow(watch->cells, watch->capacity * watch->width, sizeof *watch->cells);
        watch->labels = memory_grow(watch->labels, watch->capacity, sizeof *watch->labels);
    }
    uint64_t *cells = watch->cells + watch->count * watch->width;
    size_t numbers = watch->columns->number_count;
    memcpy(cells, row->numbers, numbers * sizeof *cells);
    for (size_t i = numbers; i < watch->width; i++) {
        cells[i] = hash64(row->names[i - numbers], 0);
    }
    watch->labels[watch->count++] = row->label > 0.5;
}

/* ---- one column ---- */

static int by_value(const void *left, const void *right) {
    double a = ((const struct seen *)left)->value, b = ((const struct seen *)right)->value;
    return (a > b) - (a < b);
}

static int by_cell(const void *left, const void *right) {
    uint64_t a = ((const struct seen *)left)->cell, b = ((const struct seen *)right)->cell;
    return (a > b) - (a < b);
}

/* Area under the curve of the judged rows' values, ties count half; NaN: too few of a label. */
static double area(struct seen *rows, size_t count) {
    double yes = 0, no = 0, pairs = 0;
    qsort(rows, count, sizeof *rows, by_value);
    for (size_t i = 0; i < count;) {
        double value = rows[i].value, ties[2] = {0, 0};
        for (; i < count && rows[i].value == value; i++) {
            ties[rows[i].is_yes] += rows[i].is_judged;
        }
        pairs += ties[1] * (no + 0.5 * ties[0]);
        yes += ties[1];
        no += ties[0];
    }
    bool has_both = yes >= LEAK_CLASS_MIN && no >= LEAK_CLASS_MIN;
    return has_both ? pairs / (yes * no) : (double)NAN;
}

static double area_of_number(struct seen *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        memcpy(&rows[i].value, &rows[i].cell, sizeof rows[i].value);
        rows[i].value = isnan(rows[i].value) ? -(double)INFINITY : rows[i].value;
        rows[i].is_judged = true;
    }
    double up = area(rows, count);
    return fmax(up, 1 - up);
}

/* Values of equal cells become the share of yes among those that are not judged. */
static double area_of_name(struct seen *rows, size_t count, double base_rate) {
    qsort(rows, count, sizeof *rows, by_cell);
    for (size_t from = 0, to; from < count; from = to) {
        double yes = base_rate, all = 1;
        for (to = from; to < count && rows[to].cell == rows[from].cell; to++) {
            all += !rows[to].is_judged;
            yes += !rows[to].is_judged && rows[to].is_yes;
        }
        for (size_t i = from; i < to; i++) {
            rows[i].value = yes / all;
        }
    }
    return area(rows, count);
}

static double area_of_column(const struct leak_watch *watch, size_t column, double base_rate,
                             struct seen *rows) {
    for (size_t i = 0; i < watch->count; i++) {
        rows[i] = (struct seen){.cell = watch->cells[i * watch->width + column],
                                .is_yes = watch->labels[i],
                                .is_judged = i % 2 == 1};
    }
    return column < watch->columns->number_count ? area_of_number(rows, watch->count)
                                                 : area_of_name(rows, watch->count, base_rate);
}

size_t leak_watch_find(const struct leak_watch *watch, struct leak out[LEAKS_MAX]) {
    const struct columns *columns = watch->columns;
    struct seen *rows = memory_new(watch->count + 1, sizeof *rows);
    double yes = 0;
    size_t found = 0;
    for (size_t i = 0; i < watch->count; i++) {
        yes += watch->labels[i];
    }
    for (size_t i = 0; i < watch->width && found < LEAKS_MAX; i++) {
        double auc = area_of_column(watch, i, yes / (double)watch->count, rows);
        if (auc >= LEAK_AUC) {
            size_t numbers = columns->number_count;
            out[found++] = (struct leak){
                i < numbers ? columns->number_texts[i] : columns->name_texts[i - numbers], auc};
        }
    }
    free(rows);
    return found;
}
