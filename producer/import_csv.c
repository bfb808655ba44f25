#include "producer/import_csv.h"

#define CANONICAL_TYPE(id, name) {name, id},

static const struct import_type types[] = {
    EVENT_TYPES(CANONICAL_TYPE) /* our own names first */
    {"view", EVENT_PRODUCT_VIEWED},
    {"cart", EVENT_PRODUCT_ADDED},
    {"add_to_cart", EVENT_PRODUCT_ADDED},
    {"addtocart", EVENT_PRODUCT_ADDED},
    {"remove_from_cart", EVENT_PRODUCT_REMOVED},
    {"purchase", EVENT_ORDER_COMPLETED},
    {"order", EVENT_ORDER_COMPLETED},
    {"transaction", EVENT_ORDER_COMPLETED},
    {NULL, EVENT_OTHER},
};

static struct failure bind(const struct csv_reader *reader, const struct import_settings *settings,
                           struct importer *out) {
    static const enum import_field required[] = {IMPORT_TIME, IMPORT_TYPE, IMPORT_USER};
    *out = (struct importer){
        .settings = settings, .types = types, .time_format = settings->time_format};
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        if (!settings->map[required[i]]) {
            return failure_make(FAILURE_STOP, 0, "no column is mapped to %s: --map %s=COLUMN",
                                import_field_names[required[i]], import_field_names[required[i]]);
        }
    }
    return import_bind_columns(reader, settings->map, 0, out);
}

const struct import_format import_csv = {
    .name = "csv",
    .help = "any CSV file of one event a row, by --map",
    .bind = bind,
};
