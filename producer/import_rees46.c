#include "producer/import_rees46.h"

static const char *const columns[IMPORT_FIELD_COUNT] = {
    [IMPORT_TIME] = "event_time",
    [IMPORT_TYPE] = "event_type",
    [IMPORT_USER] = "user_id",
    [IMPORT_ITEM] = "product_id",
    [IMPORT_PRICE] = "price",
    [IMPORT_CATEGORY] = "category_code",
    [IMPORT_CATEGORY_FALLBACK] = "category_id",
    [IMPORT_BRAND] = "brand",
    [IMPORT_SESSION] = "user_session",
};

static const struct import_type types[] = {
    {"view", EVENT_PRODUCT_VIEWED},
    {"cart", EVENT_PRODUCT_ADDED},
    {"remove_from_cart", EVENT_PRODUCT_REMOVED},
    {"purchase", EVENT_ORDER_COMPLETED},
    {NULL, EVENT_OTHER},
};

static struct failure bind(const struct csv_reader *reader, const struct import_settings *settings,
                           struct importer *out) {
    *out = (struct importer){.settings = settings,
                             .types = types,
                             .time_format = TIME_FORMAT_ISO,
                             .is_zero_price_missing = true};
    return import_bind_columns(reader, columns, 0, out);
}

const struct import_format import_rees46 = {
    .name = "rees46",
    .help = "Open CDP / REES46 logs (event_time, event_type, product_id, ...)",
    .bind = bind,
};
