#include "consumer/learn/columns.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/parse.h"
#include "consumer/ops/printable.h"

#define OUTLIER_SHARE 0.001

#define COLUMN_TYPE_NAME(id, name) [id] = name,
const char *const column_type_names[COLUMN_TYPE_COUNT + 1] = {
    COLUMN_TYPES(COLUMN_TYPE_NAME)[COLUMN_TYPE_COUNT] = NULL};

void columns_init(struct columns *columns, const char *const *names, size_t count) {
    *columns = (struct columns){.label = -1, .weight = -1, .time = -1, .group = -1};
    columns->items = memory_new(count + 1, sizeof *columns->items);
    columns->count = count;
    for (size_t i = 0; i < count; i++) {
        columns->items[i].name = memory_copy_text(bytes_of_text(names[i]));
        columns->items[i].low = columns->items[i].high = (double)NAN;
    }
}

static void forget_arrangement(struct columns *columns) {
    for (size_t i = 0; columns->name_texts && i < columns->cross_count; i++) {
        free((char *)columns->name_texts[columns->name_count - columns->cross_count + i]);
    }
    free(columns->numbers);
    free(columns->names);
    free(columns->number_texts);
    free(columns->name_texts);
    columns->numbers = columns->names = NULL;
    columns->number_texts = columns->name_texts = NULL;
    columns->number_count = columns->name_count = 0;
    columns->label = columns->weight = columns->time = columns->group = -1;
}

void columns_clean_up(struct columns *columns) {
    forget_arrangement(columns);
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->items[i].name);
        free((uint8_t *)columns->items[i].facts.example.data);
    }
    for (size_t i = 0; i < columns->missing_count; i++) {
        free(columns->missing[i]);
    }
    for (size_t i = 0; i < columns->namespace_cross_count; i++) {
        free(columns->namespace_crosses[i][0]);
        free(columns->namespace_crosses[i][1]);
    }
    free(columns->items);
    free(columns->positive);
    free(columns->negative);
    *columns = (struct columns){0};
}

int columns_find(const struct columns *columns, const char *name) {
    for (size_t i = 0; i < columns->count; i++) {
        if (strcmp(columns->items[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

struct failure columns_require(const struct columns *columns, const char *name, size_t *out) {
    int index = columns_find(columns, name);
    if (index >= 0) {
        *out = (size_t)index;
        return failure_none();
    }
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; i < columns->count; i++) {
        nearest_offer(&nearest, columns->items[i].name);
    }
    return nearest.name ? failure_make(FAILURE_STOP, 0, "no column \"%s\", did you mean \"%s\"?",
                                       name, nearest.name)
                        : failure_make(FAILURE_STOP, 0, "no column \"%s\"", name);
}

/* ---- roles ---- */

static struct failure take_role(const struct columns *columns, int *role, size_t index) {
    if (*role >= 0) {
        return failure_make(FAILURE_STOP, 0, "\"%s\" and \"%s\" are both the %s",
                            columns->items[*role].name, columns->items[index].name,
                            column_type_names[columns->items[index].type]);
    }
    *role = (int)index;
    return failure_none();
}

static struct failure take_roles(struct columns *columns) {
    for (size_t i = 0; i < columns->count; i++) {
        struct failure failure = failure_none();
        switch (columns->items[i].type) {
        case COLUMN_NUMERIC:
            columns->number_texts[columns->number_count] = columns->items[i].name;
            columns->numbers[columns->number_count++] = i;
            break;
        case COLUMN_CATEGORICAL:
            columns->name_texts[columns->name_count] = columns->items[i].name;
            columns->names[columns->name_count++] = i;
            break;
        case COLUMN_LABEL:
            failure = take_role(columns, &columns->label, i);
            break;
        case COLUMN_WEIGHT:
            failure = take_role(columns, &columns->weight, i);
            break;
        case COLUMN_TIME:
            failure = take_role(columns, &columns->time, i);
            break;
        case COLUMN_GROUP:
            failure = take_role(columns, &columns->group, i);
            break;
        default:
            break;
        }
        if (failed(failure)) {
            return failure;
        }
    }
    return failure_none();
}

static struct failure name_crosses(struct columns *columns) {
    for (size_t i = 0; i < columns->cross_count; i++) {
        const struct column *pair[2];
        for (int side = 0; side < 2; side++) {
            pair[side] = &columns->items[columns->crosses[i][side]];
            if (pair[side]->type != COLUMN_CATEGORICAL) {
                columns->cross_count = i; /* those that have a name */
                return failure_make(FAILURE_STOP, 0,
                                    "--cross: \"%s\" is %s, expected a categorical column",
                                    pair[side]->name, column_type_names[pair[side]->type]);
            }
        }
        struct buffer name = {0};
        buffer_format(&name, "%s x %s", pair[0]->name, pair[1]->name);
        columns->name_texts[columns->name_count++] = memory_copy_text(buffer_bytes(&name));
        buffer_clean_up(&name);
    }
    return failure_none();
}

struct failure columns_arrange(struct columns *columns, bool has_open_vocabulary) {
    forget_arrangement(columns);
    size_t room = columns->count + columns->cross_count + 1;
    columns->numbers = memory_new(room, sizeof *columns->numbers);
    columns->names = memory_new(room, sizeof *columns->names);
    columns->number_texts = memory_new(room, sizeof *columns->number_texts);
    columns->name_texts = memory_new(room, sizeof *columns->name_texts);
    struct failure failure = take_roles(columns);
    if (failed(failure)) {
        columns->cross_count = 0; /* none has a name */
    } else {
        failure = name_crosses(columns);
    }
    if (!failed(failure) && !has_open_vocabulary && columns->number_count == 0 &&
        columns->name_count == 0) {
        failure = failure_make(FAILURE_STOP, 0, "no column is left to learn from");
    }
    return failure;
}

struct learner_space columns_space(const struct columns *columns) {
    return (struct learner_space){.feature_version = 1,
                                  .number_count = columns->number_count,
                                  .name_count = columns->name_count,
                                  .numbers = columns->number_texts,
                                  .names = columns->name_texts,
                                  .origin = -1,
                                  .cart_value = -1,
                                  .idle = -1,
                                  .is_new = -1};
}

/* ---- values ---- */

static bool equal_ignoring_case(struct bytes text, const char *other) {
    return text.size == strlen(other) &&
           strncasecmp((const char *)text.data, other, text.size) == 0;
}

bool columns_is_missing(const struct columns *columns, struct bytes text, bool is_number) {
    static const char *const usual[] = {"na", "n/a", "nan", "null", "none"};
    if (text.size == 0) {
        return true;
    }
    for (size_t i = 0; i < columns->missing_count; i++) {
        if (bytes_equal(text, bytes_of_text(columns->missing[i]))) {
            return true;
        }
    }
    if (!is_number || text.size > 4 || (text.data[0] | 0x20) != 'n') {
        return false;
    }
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        if (equal_ignoring_case(text, usual[i])) {
            return true;
        }
    }
    return false;
}

bool columns_label(const struct columns *columns, struct bytes text, double *out) {
    double number;
    bool is_number = parse_number(text, &number);
    switch (columns->label_rule) {
    case LABEL_IS_NUMBER:
        *out = number;
        return is_number && fabs(number) <= LEARNER_NUMBER_MAX;
    case LABEL_IS_POSITIVE:
        *out = bytes_equal(text, bytes_of_text(columns->positive)) ? 1 : 0;
        return text.size > 0;
    case LABEL_IS_ONE_OF:
        break;
    }
    if (is_number && strcmp(columns->positive, "1") == 0) {
        *out = number == 1;
        return number == 1 || number == 0 || number == -1;
    }
    *out = equal_ignoring_case(text, columns->positive);
    return *out > 0 || equal_ignoring_case(text, columns->negative);
}

/* ---- outliers ---- */

static int by_value(const void *left, const void *right) {
    double a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

void columns_bounds(double *values, size_t count, double *out_low, double *out_high) {
    size_t present = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            values[present++] = values[i];
        }
    }
    *out_low = *out_high = (double)NAN;
    if (present == 0) {
        return;
    }
    qsort(values, present, sizeof *values, by_value);
    size_t cut = (size_t)(OUTLIER_SHARE * (double)present);
    double low = values[cut], high = values[present - 1 - cut], range = high - low;
    if (range > 0) {
        *out_low = low - range;
        *out_high = high + range;
    }
}

/* ---- for people ---- */

static void write_facts(const struct column *column, struct buffer *out) {
    const struct column_facts *facts = &column->facts;
    if (facts->rows == 0) {
        return;
    }
    if (facts->levels > COLUMNS_LEVELS_MAX) {
        buffer_format(out, "  over %d values", COLUMNS_LEVELS_MAX);
    } else {
        buffer_format(out, "  %lld value%s", (long long)facts->levels,
                      facts->levels == 1 ? "" : "s");
    }
    if (facts->is_numeric && facts->levels > 0) {
        buffer_format(out, ", %.6g to %.6g", facts->least, facts->most);
    } else if (facts->example.size > 0) {
        buffer_append(out, bytes_of_text(", \""));
        printable_append(out, facts->example, 0);
        buffer_append_byte(out, '"');
        int64_t others = facts->rows - facts->missing - facts->numbers;
        if (column->type == COLUMN_CATEGORICAL && facts->numbers >= 9 * others) {
            buffer_format(out, " in line %llu, all but %lld are numbers",
                          (unsigned long long)facts->example_line, (long long)others);
        }
    }
    if (facts->missing > 0) {
        buffer_format(out, ", %.3g %% missing", 100 * (double)facts->missing / (double)facts->rows);
    }
}

void columns_write(const struct columns *columns, struct buffer *out) {
    size_t width = 6;
    for (size_t i = 0; i < columns->count; i++) {
        size_t length = strlen(columns->items[i].name);
        width = length > width && length <= 40 ? length : width;
    }
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->items[i];
        struct buffer name = {0};
        printable_append(&name, bytes_of_text(column->name), 0);
        buffer_append_byte(&name, 0);
        buffer_format(out, "  %-*s  %-11s", (int)width, (const char *)name.data,
                      column_type_names[column->type]);
        buffer_clean_up(&name);
        write_facts(column, out);
        if (column->type == COLUMN_LABEL && columns->positive) {
            buffer_format(out, ", \"%s\" is yes", columns->positive);
        }
        buffer_append_byte(out, '\n');
    }
}
