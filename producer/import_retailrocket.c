#include "producer/import_retailrocket.h"

static const char *const columns[IMPORT_FIELD_COUNT] = {
    [IMPORT_TIME] = "timestamp", [IMPORT_TYPE] = "event",          [IMPORT_USER] = "visitorid",
    [IMPORT_ITEM] = "itemid",    [IMPORT_ORDER] = "transactionid", [IMPORT_SESSION] = "session_id",
};

static const struct import_type types[] = {
    {"view", EVENT_PRODUCT_VIEWED},
    {"addtocart", EVENT_PRODUCT_ADDED},
    {"transaction", EVENT_ORDER_COMPLETED},
    {NULL, EVENT_OTHER},
};

static struct failure bind(const struct csv_reader *reader, const struct import_settings *settings,
                           struct importer *out) {
    *out = (struct importer){.settings = settings, .types = types, .time_format = TIME_FORMAT_MS};
    return import_bind_columns(reader, columns, 1u << IMPORT_SESSION, out);
}

const struct import_format import_retailrocket = {
    .name = "retailrocket",
    .help = "RetailRocket events.csv (timestamp, visitorid, event, itemid, transactionid)",
    .bind = bind,
};
