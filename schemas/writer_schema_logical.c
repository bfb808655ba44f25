/* Logical types: what stands on top of a type, if it fits; else it is not there (Avro 1.11,
 * "Logical Types"). */
#include <math.h>

#include "schemas/writer_schema_internal.h"

#define SCALE_MAX     64
#define DIGITS_OF_BIT 0.30102999566398120 /* log10(2) */
#define UUID_BYTES    16

struct bytes writer_text_member(const json_t *object, const char *key) {
    return bytes_of_text(json_string_value(json_object_get(object, key)));
}

static bool is_decimal(const json_t *json, struct writer_node *node) {
    const json_t *scale = json_object_get(json, "scale");
    json_int_t digits =
        json_integer_value(json_object_get(json, "precision")); /* 0 if it is none */
    json_int_t scale_value = json_integer_value(scale);
    bool fits = digits > 0 && (!scale || json_is_integer(scale)) && scale_value >= 0 &&
                scale_value <= digits && scale_value <= SCALE_MAX;
    if (node->type == WRITER_FIXED) {
        double bits = 8 * (double)node->size - 1; /* without the sign */
        fits = fits && (double)digits <= floor(bits * DIGITS_OF_BIT);
    }
    node->scale = fits ? (int32_t)scale_value : 0;
    return fits;
}

void writer_read_logical(const json_t *json, struct writer_node *node) {
    static const struct {
        const char *name;
        enum writer_type type;
        enum writer_logical logical;
    } simple[] = {
        {"date", WRITER_INT, LOGICAL_DATE},
        {"timestamp-millis", WRITER_LONG, LOGICAL_TIMESTAMP_MILLIS},
        {"timestamp-micros", WRITER_LONG, LOGICAL_TIMESTAMP_MICROS},
        {"timestamp-nanos", WRITER_LONG, LOGICAL_TIMESTAMP_NANOS},
        {"local-timestamp-millis", WRITER_LONG, LOGICAL_TIMESTAMP_MILLIS},
        {"local-timestamp-micros", WRITER_LONG, LOGICAL_TIMESTAMP_MICROS},
        {"local-timestamp-nanos", WRITER_LONG, LOGICAL_TIMESTAMP_NANOS},
        {"uuid", WRITER_STRING, LOGICAL_UUID},
    };
    struct bytes name = writer_text_member(json, "logicalType");
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
        if (node->type == simple[i].type && bytes_equal(name, bytes_of_text(simple[i].name))) {
            node->logical = simple[i].logical;
        }
    }
    if (node->type == WRITER_FIXED && node->size == UUID_BYTES &&
        bytes_equal(name, bytes_of_text("uuid"))) {
        node->logical = LOGICAL_UUID;
    }
    if ((node->type == WRITER_BYTES || node->type == WRITER_FIXED) &&
        bytes_equal(name, bytes_of_text("decimal")) && is_decimal(json, node)) {
        node->logical = LOGICAL_DECIMAL;
    }
}
