/* config_probe: a room with one key of every type, for the tests of base/config. */
#ifndef PROMOSTREAM_TESTS_CONFIG_PROBE_H
#define PROMOSTREAM_TESTS_CONFIG_PROBE_H

#include "base/config.h"

enum { PROBE_OFF, PROBE_OBSERVE, PROBE_APPRENTICE };

struct probe_inner {
    int64_t depth;
    const char *label;
};
struct probe_offer {
    const char *id; /* required */
    double cost;
    int kind;
    struct config_text_list tags;
};
struct probe {
    bool on;
    int64_t count, wait_ms, memory_bytes, start_ms;
    double share;
    const char *name;
    int mode;
    struct config_time_range quiet;
    struct config_properties properties;
    struct config_list offers; /* struct probe_offer */
    struct probe_inner inner;
    struct config_text_list words;
};
extern const struct config_table probe_table;

/* A room with one required key, "brokers". */
struct probe_required {
    const char *brokers;
};
extern const struct config_table probe_required_table;

/* A room of sections for which a bare number can stand: their `size`. */
struct probe_box {
    int64_t size;
    const char *label;
};
struct probe_boxes {
    struct probe_box first, second;
    struct config_list more; /* struct probe_box */
};
extern const struct config_table probe_boxes_table;

/* Loads text as "f.yaml" with one section, "probe". *out_errors is to be freed; NULL on failure. */
struct config *probe_load(const char *text, size_t size, struct probe *out, char **out_errors);

/* Fails the test unless the text is refused with exactly these lines. */
void probe_assert_errors(const char *text, const char *errors);
/* The same, for bytes that may hold a NUL. */
void probe_assert_errors_of(const char *text, size_t size, const char *errors);
/* Fails the test unless the text loads; the config is to be destroyed. */
struct config *probe_assert_loads(const char *text, struct probe *out);

#endif
