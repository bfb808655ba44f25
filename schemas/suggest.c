#include "schemas/suggest.h"

#define STEP_COST        2  /* a percent less for each step of the path */
#define FIRST_COST       20 /* x[0].y speaks of the first of many */
#define SURE_MIN         40
#define TYPE_VALUES_MAX  40 /* more distinct values are no names of events */
#define TYPE_SHARE_WORTH 80 /* percent, of all names of events being understood */
#define ARRAY_SURE_MIN   50

/* ---- What speaks for and against a leaf ---- */

static int64_t times_of(const struct shape_leaf *leaf) {
    int64_t best = leaf->time_texts;
    for (size_t i = 0; i < 4; i++) {
        best = leaf->magnitudes[i] > best ? leaf->magnitudes[i] : best;
    }
    return best;
}

static bool most(int64_t part, const struct shape_leaf *leaf) {
    return leaf->seen > 0 && part * 10 >= leaf->seen * 9;
}

/* By the share of messages, or of known symbols, whose name of an event is understood. */
static int fit_type(const struct shape *shape, const struct shape_leaf *leaf) {
    int64_t symbols = 0, messages = 0;
    if (!(leaf->kinds & (SHAPE_TEXT | SHAPE_ENUM | SHAPE_INTEGER)) || most(times_of(leaf), leaf) ||
        leaf->has_more_values || leaf->value_count > TYPE_VALUES_MAX) {
        return -100;
    }
    for (size_t i = 0; i < leaf->value_count; i++) {
        bool is_known = suggest_event_type(leaf->values[i].text) != EVENT_OTHER;
        symbols += is_known;
        messages += is_known ? leaf->values[i].count : 0;
    }
    if (leaf->value_count == 0) {
        return -15;
    }
    double share = leaf->seen > 0 ? (double)messages / (double)shape->messages
                                  : (double)symbols / (double)leaf->value_count;
    return (int)(TYPE_SHARE_WORTH * share) - (symbols > 0 ? 30 : 40);
}

static int fit_time(const struct shape_leaf *leaf) {
    bool has_logical = leaf->logical >= LOGICAL_DATE && leaf->logical <= LOGICAL_TIMESTAMP_NANOS;
    if (leaf->seen > 0) {
        return most(times_of(leaf), leaf) ? 20 : has_logical ? 10 : -100;
    }
    if (has_logical) {
        return leaf->logical == LOGICAL_DATE ? -20 : 15;
    }
    return leaf->kinds & (SHAPE_INTEGER | SHAPE_TEXT) ? -10 : -100;
}

static int fit_text(const struct shape_leaf *leaf, bool is_currency) {
    if (!(leaf->kinds & (SHAPE_TEXT | SHAPE_INTEGER | SHAPE_ENUM))) {
        return -100;
    }
    if (leaf->logical == LOGICAL_DATE || leaf->logical == LOGICAL_TIMESTAMP_MILLIS ||
        leaf->logical == LOGICAL_TIMESTAMP_MICROS || most(leaf->time_texts, leaf)) {
        return -100;
    }
    if (is_currency && leaf->seen > 0) {
        return most(leaf->currency_texts, leaf) ? 10 : -100;
    }
    return 0;
}

static int fit_number(const struct shape_leaf *leaf, bool is_count) {
    if (leaf->kinds & (SHAPE_INTEGER | SHAPE_REAL)) {
        return is_count && (leaf->kinds & SHAPE_REAL) ? -15 : 0;
    }
    return leaf->kinds & SHAPE_TEXT && most(leaf->number_texts, leaf) ? -10 : -100;
}

static int fit(const struct shape *shape, const struct shape_leaf *leaf, enum mapping_kind kind,
               bool is_currency) {
    switch (kind) {
    case MAPPING_TYPE:
        return fit_type(shape, leaf);
    case MAPPING_TIME:
        return fit_time(leaf);
    case MAPPING_TEXT:
        return fit_text(leaf, is_currency);
    case MAPPING_NUMBER:
        return fit_number(leaf, false);
    case MAPPING_COUNT:
        return fit_number(leaf, true);
    case MAPPING_CONSENT:
        return leaf->kinds & (SHAPE_REAL | SHAPE_BYTES) ? -100 : 0;
    }
    return -100;
}

static int steps_of(const char *path) {
    int steps = 0;
    for (; *path; path++) {
        steps += *path == '.' || *path == '[';
    }
    return steps;
}

/* Percent; 0 = no. A name that says nothing is made up for by values that say all: names of events,
 * or times. */
static int sureness(const struct shape *shape, const struct shape_leaf *leaf,
                    const struct suggest_name *names, enum mapping_kind kind, bool is_currency) {
    if (leaf->has_wild || leaf->kinds == 0) {
        return 0;
    }
    int by_name = suggest_name_weight(names, leaf->last, leaf->parent);
    int by_values = fit(shape, leaf, kind, is_currency);
    bool tells_by_values =
        (kind == MAPPING_TYPE && by_values >= 0) || (kind == MAPPING_TIME && by_values >= 15);
    if (by_values <= -100 || (by_name == 0 && !tells_by_values)) {
        return 0;
    }
    int sure = (by_name ? by_name : 30) + by_values;
    sure -= STEP_COST * steps_of(leaf->path) + (leaf->is_first ? FIRST_COST : 0);
    sure -= shape->messages > 0 && leaf->seen == 0 ? 25 : 0; /* never in the sample */
    return sure < 0 ? 0 : sure > 100 ? 100 : sure;
}

/* ---- Units ---- */

static bool name_has(const struct shape_leaf *leaf, const char *const *endings) {
    for (; *endings; endings++) {
        size_t size = strlen(*endings), last = strlen(leaf->last);
        if (last >= size && strcmp(leaf->last + last - size, *endings) == 0) {
            return true;
        }
    }
    return false;
}

static enum mapping_unit unit_of_time(const struct shape_leaf *leaf) {
    static const enum mapping_unit units[] = {UNIT_S, UNIT_AUTO, UNIT_US, UNIT_NS};
    static const char *const micros[] = {"us", "micros", "microseconds", NULL};
    static const char *const seconds[] = {"seconds", "secs", "unix", "epoch", NULL};
    if (leaf->logical != LOGICAL_NONE || !(leaf->kinds & SHAPE_INTEGER)) {
        return UNIT_AUTO;
    }
    for (size_t i = 0; i < 4; i++) {
        if (most(leaf->magnitudes[i], leaf)) {
            return units[i];
        }
    }
    return name_has(leaf, micros) ? UNIT_US : name_has(leaf, seconds) ? UNIT_S : UNIT_AUTO;
}

static enum mapping_unit unit_of_money(const struct shape_leaf *leaf) {
    static const char *const cents[] = {"cents", "minor", "minorunits", "cent", NULL};
    static const char *const micros[] = {"micros", "micro", NULL};
    return name_has(leaf, cents) ? UNIT_CENTS : name_has(leaf, micros) ? UNIT_MICROS : UNIT_AUTO;
}

/* ---- Choice ---- */

struct choice {
    const struct shape *shape;
    int32_t array; /* whose leaves are asked */
    const struct suggest_name *names;
    enum mapping_kind kind;
    bool is_currency;
    const struct shape_leaf *const *taken; /* leaves that other fields have */
    size_t taken_count;
};

static bool is_taken(const struct choice *choice, const struct shape_leaf *leaf) {
    for (size_t i = 0; i < choice->taken_count; i++) {
        if (choice->taken[i] == leaf) {
            return true;
        }
    }
    return false;
}

static struct suggestion best_of(const struct choice *choice) {
    struct suggestion best = {.sure = SURE_MIN - 1};
    for (size_t i = 0; i < choice->shape->leaf_count; i++) {
        const struct shape_leaf *leaf = &choice->shape->leaves[i];
        if (leaf->array != choice->array || is_taken(choice, leaf)) {
            continue;
        }
        int sure = sureness(choice->shape, leaf, choice->names, choice->kind, choice->is_currency);
        if (sure > best.sure || (sure == best.sure && best.leaf && leaf->seen > best.leaf->seen)) {
            best = (struct suggestion){.leaf = leaf, .sure = sure};
        }
    }
    if (!best.leaf) {
        return (struct suggestion){0};
    }
    best.unit = choice->kind == MAPPING_TIME     ? unit_of_time(best.leaf)
                : choice->kind == MAPPING_NUMBER ? unit_of_money(best.leaf)
                                                 : UNIT_AUTO;
    return best;
}

static enum mapping_kind event_kind(size_t field) {
#define KIND(id, name, kind) kind,
    static const enum mapping_kind kinds[] = {MAPPING_EVENT_FIELDS(KIND)};
    return kinds[field];
}

static enum mapping_kind line_kind(size_t field) {
    static const enum mapping_kind kinds[] = {MAPPING_LINE_FIELDS(KIND)};
#undef KIND
    return kinds[field];
}

/* An event without type or time is none: where a message lacks the first choice, is there another?
 */
static void add_other(struct suggest *suggest, enum mapping_event_field field) {
    struct suggestion *first = &suggest->event[field];
    if (!first->leaf || first->leaf->seen == 0 || first->leaf->seen >= suggest->shape->messages) {
        return;
    }
    const struct choice choice = {
        .shape = suggest->shape,
        .array = -1,
        .names = suggest_event_names[field],
        .kind = event_kind(field),
        .taken = &first->leaf,
        .taken_count = 1,
    };
    struct suggestion second = best_of(&choice);
    if (second.leaf && second.unit == first->unit && second.leaf->seen > 0) {
        first->other = second.leaf;
    }
}

static void choose_event(struct suggest *suggest) {
    const struct shape_leaf *taken[MAPPING_EVENT_FIELD_COUNT];
    size_t count = 0;
    for (size_t field = 0; field < MAPPING_EVENT_FIELD_COUNT; field++) {
        const struct choice choice = {
            .shape = suggest->shape,
            .array = -1,
            .names = suggest_event_names[field],
            .kind = event_kind(field),
            .is_currency = field == MAP_CURRENCY,
            .taken = taken,
            .taken_count = count,
        };
        suggest->event[field] = best_of(&choice);
        if (suggest->event[field].leaf) {
            taken[count++] = suggest->event[field].leaf;
        }
    }
    add_other(suggest, MAP_TYPE);
    add_other(suggest, MAP_EVENT_MS);
    struct suggestion *user = &suggest->event[MAP_USER_ID], *guest = &suggest->event[MAP_GUEST_ID];
    if (guest->leaf && user->leaf) {
        user->other = guest->leaf;
    } else if (guest->leaf) {
        *user = *guest; /* the only id that there is */
        *guest = (struct suggestion){0};
    }
}

/* The fields of one product among the leaves of an array, or the root's. */
static void choose_product(const struct suggest *suggest, int32_t array,
                           struct suggestion out[MAPPING_LINE_FIELD_COUNT]) {
    static const struct suggest_name bare_id[] = {{"id", 75}, {NULL, 0}};
    const struct shape_leaf *taken[MAPPING_EVENT_FIELD_COUNT + MAPPING_LINE_FIELD_COUNT];
    size_t count = 0;
    for (size_t field = 0; array < 0 && field < MAPPING_EVENT_FIELD_COUNT; field++) {
        if (suggest->event[field].leaf) {
            taken[count++] = suggest->event[field].leaf;
        }
    }
    for (size_t field = 0; field < MAPPING_LINE_FIELD_COUNT; field++) {
        struct choice choice = {
            .shape = suggest->shape,
            .array = array,
            .names = suggest_line_names[field],
            .kind = line_kind(field),
            .taken = taken,
            .taken_count = count,
        };
        out[field] = best_of(&choice);
        if (field == MAP_LINE_ITEM_ID && array >= 0 && !out[field].leaf) {
            choice.names = bare_id;
            out[field] = best_of(&choice);
        }
        if (out[field].leaf && out[field].leaf->is_first && array < 0) {
            out[field] = (struct suggestion){0}; /* the array's business */
        }
        if (out[field].leaf) {
            taken[count++] = out[field].leaf;
        }
    }
    if (!out[MAP_LINE_ITEM_ID].leaf) {
        memset(out, 0, MAPPING_LINE_FIELD_COUNT * sizeof *out);
    }
}

static void choose_lines(struct suggest *suggest) {
    int best = ARRAY_SURE_MIN - 1;
    for (size_t i = 0; i < suggest->shape->array_count; i++) {
        struct suggestion found[MAPPING_LINE_FIELD_COUNT];
        choose_product(suggest, (int32_t)i, found);
        int sure = found[MAP_LINE_ITEM_ID].sure + found[MAP_LINE_PRICE].sure / 4 +
                   found[MAP_LINE_QUANTITY].sure / 4;
        if (found[MAP_LINE_ITEM_ID].leaf && sure > best) {
            best = sure;
            suggest->array = (int32_t)i;
            memcpy(suggest->lines, found, sizeof found);
        }
    }
}

void suggest_fields(const struct shape *shape, struct suggest *out) {
    *out = (struct suggest){.shape = shape, .array = -1};
    choose_event(out);
    choose_lines(out);
    choose_product(out, -1, out->product);
}
