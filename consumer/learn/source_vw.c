/* source_vw: Vowpal Wabbit's text, read in one go from left to right: a line of some 150 bytes
 * costs little more than its hashes. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/parse.h"
#include "consumer/learn/source_internal.h"

#define REFILL_BYTES    (256 * 1024)
#define NAMESPACES_MAX  256
#define LABEL_TOKEN_MAX 3

/* The features of one namespace of the row that is out. */
struct vw_namespace {
    struct bytes name;
    size_t from, to;
};

struct source_vw {
    uint8_t *window;
    size_t capacity, begin, end, row_bytes_max;
    bool is_at_end;
    uint64_t line; /* of window[begin] */
    struct vw_namespace namespaces[NAMESPACES_MAX];
    size_t namespace_count;
};

/* What ends a token, and what divides it. */
enum { SPACE = 1, BAR = 2, COLON = 4 };
static const uint8_t classes[256] = {
    [' '] = SPACE, ['\t'] = SPACE, ['\r'] = SPACE, ['|'] = BAR, [':'] = COLON};

static inline bool is_space(uint8_t c) {
    return classes[c] == SPACE;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))
/* The high bit of the first byte of word below c, c <= 0x80, and of some behind it. */
static inline uint64_t bytes_below(uint64_t word, uint8_t c) {
    return (word - EACH_BYTE(c)) & ~word & EACH_BYTE(0x80);
}
static inline uint64_t bytes_equal_to(uint64_t word, uint8_t c) {
    return bytes_below(word ^ EACH_BYTE(c), 1);
}

/* The first byte from at on that has a class; end if there is none. Eight bytes at a time:
 * WORD_BYTES behind end can be read. */
#define WORD_BYTES 8
static inline const uint8_t *find_class(const uint8_t *at, const uint8_t *end) {
    while (at < end) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        uint64_t found =
            bytes_below(word, ' ' + 1) | bytes_equal_to(word, '|') | bytes_equal_to(word, ':');
        if (!found) {
            at += WORD_BYTES;
            continue;
        }
        at += __builtin_ctzll(found) / 8;
        if (at >= end || classes[*at]) {
            break;
        }
        at++; /* another control character */
    }
    return at < end ? at : end;
}

/* ---- telling it from CSV ---- */

/* Up to the first bar nothing but a label, an importance and a tag: numbers. */
bool source_vw_looks_like(struct bytes begin) {
    const uint8_t *newline = begin.size ? memchr(begin.data, '\n', begin.size) : NULL;
    size_t size = newline ? (size_t)(newline - begin.data) : begin.size;
    const uint8_t *bar = size ? memchr(begin.data, '|', size) : NULL;
    if (!bar) {
        return false;
    }
    size_t at = 0, before = (size_t)(bar - begin.data);
    for (int token = 0; at < before; token++) {
        size_t end = at;
        while (end < before && !is_space(begin.data[end])) {
            end++;
        }
        double number;
        bool is_tag = begin.data[at] == '\'' || end == before;
        if (end > at && (token > LABEL_TOKEN_MAX ||
                         (!parse_number(bytes_of(begin.data + at, end - at), &number) &&
                          (token == 0 || !is_tag)))) {
            return false;
        }
        at = end + 1;
    }
    return true;
}

void source_vw_open(struct source *source, const struct source_config *config) {
    struct source_vw *vw = source->vw = memory_new(1, sizeof *vw);
    vw->row_bytes_max = config->row_bytes_max;
    vw->capacity = config->row_bytes_max + REFILL_BYTES;
    vw->window = memory_new(vw->capacity + WORD_BYTES, 1);
    vw->line = 1;
}

/* ---- lines ---- */

static struct failure refill(struct source *source) {
    struct source_vw *vw = source->vw;
    if (vw->begin > 0) {
        memmove(vw->window, vw->window + vw->begin, vw->end - vw->begin);
        vw->end -= vw->begin;
        vw->begin = 0;
    }
    size_t got = 0;
    struct failure failure =
        input_file_read(source->input, vw->window + vw->end, vw->capacity - vw->end, &got);
    vw->end += got;
    vw->is_at_end = got == 0;
    return failure;
}

static const uint8_t *find_newline(const struct source_vw *vw, size_t from) {
    return vw->end > from ? memchr(vw->window + from, '\n', vw->end - from) : NULL;
}

/* The next line, without its end; of one that is too long nothing is kept. */
static enum row_verdict next_line(struct source *source, struct bytes *out, bool *out_is_too_long,
                                  struct failure *out_failure) {
    struct source_vw *vw = source->vw;
    *out_is_too_long = false;
    const uint8_t *newline = find_newline(vw, vw->begin);
    while (!newline && !vw->is_at_end) {
        size_t seen = vw->end - vw->begin;
        if (seen > vw->row_bytes_max) {
            *out_is_too_long = true;
            vw->begin = vw->end;
            seen = 0;
        }
        struct failure failure = refill(source);
        if (failed(failure)) {
            *out_failure = failure;
            return ROW_FAILED;
        }
        newline = find_newline(vw, vw->begin + seen);
    }
    if (!newline && vw->begin == vw->end && !*out_is_too_long) {
        return ROW_END;
    }
    size_t stop = newline ? (size_t)(newline - vw->window) : vw->end;
    *out = bytes_of(vw->window + vw->begin, stop - vw->begin);
    *out_is_too_long = *out_is_too_long || out->size > vw->row_bytes_max;
    vw->begin = newline ? stop + 1 : stop;
    vw->line++;
    return ROW_OK;
}

/* ---- one line ---- */

struct cursor {
    const uint8_t *at, *end;
};

static void skip_spaces(struct cursor *cursor) {
    while (cursor->at < cursor->end && is_space(*cursor->at)) {
        cursor->at++;
    }
}

static struct bytes take_token(struct cursor *cursor) {
    const uint8_t *begin = cursor->at;
    while (cursor->at < cursor->end && !is_space(*cursor->at) && *cursor->at != '|') {
        cursor->at++;
    }
    return bytes_of(begin, (size_t)(cursor->at - begin));
}

static bool complain_token(char *error, const char *what, struct bytes token,
                           const char *expected) {
    char shown[SOURCE_SHOWN_BYTES];
    source_show(token, shown);
    source_complain(error, "%s: found \"%s\", expected %s", what, shown, expected);
    return false;
}

/* `label importance base 'tag` before the first bar: all of them may be left out. */
static bool take_label(const struct source *source, struct cursor *cursor, struct data_row *out,
                       char *error) {
    size_t count = 0;
    out->has_label = false;
    out->weight = 1;
    for (skip_spaces(cursor); cursor->at < cursor->end && *cursor->at != '|';
         skip_spaces(cursor), count++) {
        struct bytes token = take_token(cursor);
        bool is_tag =
            token.data[0] == '\'' || (count > 0 && cursor->at < cursor->end && *cursor->at == '|');
        if (is_tag) {
            out->kept = token.data[0] == '\'' ? bytes_of(token.data + 1, token.size - 1) : token;
        } else if (count == 0) {
            out->has_label = columns_label(source->columns, token, &out->label);
            if (!out->has_label && source->needs_label) {
                return complain_token(error, "label", token,
                                      source->columns->task == TASK_REGRESSION
                                          ? "a number"
                                          : "1, 0 or -1 (--task regression takes numbers)");
            }
        } else if (count == 1 && !(parse_number(token, &out->weight) && out->weight > 0 &&
                                   out->weight <= LEARNER_WEIGHT_MAX)) {
            return complain_token(error, "importance", token, "a number above 0, at most 10000");
        }
    }
    if (!out->has_label && source->needs_label) {
        source_complain(error, "found no label, expected one before the first |");
        return false;
    }
    return true;
}

/* Names are short, and half the work would be their hashes: up to 16 bytes are two words, mixed by
 * splitmix64's finalizer (base/hash.c); every bit of key depends on every one of them. */
static inline uint64_t key_of(struct bytes name, uint64_t namespace_hash) {
    uint64_t low = 0, high = 0;
    if (name.size > 16) {
        return hash64(name, namespace_hash);
    }
    if (name.size >= 8) {
        memcpy(&low, name.data, 8);
        memcpy(&high, name.data + name.size - 8, 8);
    } else if (name.size >= 4) {
        memcpy(&low, name.data, 4);
        memcpy(&high, name.data + name.size - 4, 4);
    } else if (name.size > 0) {
        low = (uint64_t)name.data[0] | (uint64_t)name.data[name.size / 2] << 8 |
              (uint64_t)name.data[name.size - 1] << 16;
    }
    uint64_t x = namespace_hash + name.size + low * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 32) ^ high) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* `feature[:value]`; true too if there is nothing. */
static bool take_feature(struct source *source, struct cursor *cursor, uint64_t namespace_hash,
                         double scale, char *error) {
    const uint8_t *begin = cursor->at, *colon = NULL;
    const uint8_t *at = find_class(begin, cursor->end);
    while (at < cursor->end && classes[*at] == COLON) {
        colon = at;
        at = find_class(at + 1, cursor->end);
    }
    cursor->at = at;
    struct bytes name = bytes_of(begin, (size_t)((colon ? colon : at) - begin));
    double value = 1;
    if (colon) {
        struct bytes text = bytes_of(colon + 1, (size_t)(cursor->at - colon - 1));
        if (!parse_number(text, &value) || !(fabs(value * scale) <= LEARNER_NUMBER_MAX)) {
            char shown[SOURCE_SHOWN_BYTES];
            source_show(name, shown);
            return complain_token(error, shown, text, "a number up to 1e15");
        }
    }
    if (value * scale != 0) {
        source_reserve_features(source, 1);
        source->features[source->feature_count++] =
            (struct learner_feature){key_of(name, namespace_hash), value * scale};
    }
    return true;
}

/* `|name[:scale] feature feature ...` up to the next bar. */
static bool take_namespace(struct source *source, struct cursor *cursor, char *error) {
    struct source_vw *vw = source->vw;
    cursor->at++;                           /* the bar */
    struct bytes name = take_token(cursor); /* empty: `| feature` */
    double scale = 1;
    const uint8_t *colon = name.size ? memchr(name.data, ':', name.size) : NULL;
    if (colon) {
        struct bytes text = bytes_of(colon + 1, (size_t)(name.data + name.size - colon - 1));
        if (!parse_number(text, &scale) || fabs(scale) > LEARNER_NUMBER_MAX) {
            return complain_token(error, "namespace's scale", text, "a number up to 1e15");
        }
        name.size = (size_t)(colon - name.data);
    }
    if (vw->namespace_count == NAMESPACES_MAX) {
        source_complain(error, "found more than %d namespaces", NAMESPACES_MAX);
        return false;
    }
    uint64_t hash = hash64(name, 0);
    size_t from = source->feature_count;
    for (skip_spaces(cursor); cursor->at < cursor->end && *cursor->at != '|'; skip_spaces(cursor)) {
        if (!take_feature(source, cursor, hash, scale, error)) {
            return false;
        }
    }
    vw->namespaces[vw->namespace_count++] =
        (struct vw_namespace){name, from, source->feature_count};
    return true;
}

/* ---- crosses ---- */

/* A whole name, or its first letter as VW's -q takes it. */
static bool is_namespace(struct bytes name, const char *wanted) {
    if (name.size == 0 || name.data[0] != (uint8_t)wanted[0]) {
        return false;
    }
    return wanted[1] == '\0' || bytes_equal(name, bytes_of_text(wanted));
}

static void cross(struct source *source, const struct vw_namespace *left,
                  const struct vw_namespace *right) {
    if (left->from == left->to || right->from == right->to) {
        return;
    }
    source_reserve_features(source, (left->to - left->from) * (right->to - right->from));
    struct learner_feature *features = source->features, *out = features + source->feature_count;
    for (size_t i = left->from; i < left->to; i++) {
        for (size_t j = left == right ? i : right->from; j < right->to; j++, out++) {
            out->key = hash_combine(features[i].key, features[j].key);
            out->value = features[i].value * features[j].value;
        }
    }
    source->feature_count = (size_t)(out - features);
}

static void add_crosses(struct source *source) {
    const struct columns *columns = source->columns;
    const struct source_vw *vw = source->vw;
    for (size_t i = 0; i < columns->namespace_cross_count; i++) {
        char *const *pair = columns->namespace_crosses[i];
        for (size_t a = 0; a < vw->namespace_count; a++) {
            if (!is_namespace(vw->namespaces[a].name, pair[0])) {
                continue;
            }
            for (size_t b = strcmp(pair[0], pair[1]) == 0 ? a : 0; b < vw->namespace_count; b++) {
                if (is_namespace(vw->namespaces[b].name, pair[1])) {
                    cross(source, &vw->namespaces[a], &vw->namespaces[b]);
                }
            }
        }
    }
}

static bool take_line(struct source *source, struct bytes line, struct data_row *out, char *error) {
    struct cursor cursor = {line.data, line.data + line.size};
    source->feature_count = 0;
    source->vw->namespace_count = 0;
    out->kept = bytes_of(NULL, 0);
    if (!take_label(source, &cursor, out, error)) {
        return false;
    }
    if (cursor.at == cursor.end) {
        source_complain(error, "found no |, expected VW text: label |namespace feature:value ...");
        return false;
    }
    while (cursor.at < cursor.end) {
        if (!take_namespace(source, &cursor, error)) {
            return false;
        }
    }
    add_crosses(source);
    out->fingerprint = hash64(line, 0);
    out->time_ms = 0;
    out->group = out->line;
    out->steps = NULL;
    out->step_count = 0;
    out->decision = 0;
    out->is_correction = out->is_margin_only = false;
    out->numbers = source->numbers;
    out->names = source->names;
    out->features = source->features;
    out->feature_count = source->feature_count;
    return true;
}

enum row_verdict source_vw_next(struct source *source, struct data_row *out,
                                char error[ROW_ERROR_BYTES_MAX], struct failure *out_failure) {
    struct bytes line = {0};
    bool is_too_long = false;
    do {
        out->line = source->vw->line;
        enum row_verdict verdict = next_line(source, &line, &is_too_long, out_failure);
        if (verdict != ROW_OK) {
            return verdict;
        }
    } while (!is_too_long && (line.size == 0 || (line.size == 1 && line.data[0] == '\r')));
    if (is_too_long) {
        source_complain(error, "the line is longer than --row-bytes-max");
        return ROW_BAD;
    }
    if (memchr(line.data, 0, line.size)) {
        source_complain(error, "found a NUL byte, expected text");
        return ROW_BAD;
    }
    return take_line(source, line, out, error) ? ROW_OK : ROW_BAD;
}

void source_vw_close(struct source_vw *vw) {
    if (vw) {
        free(vw->window);
        free(vw);
    }
}
