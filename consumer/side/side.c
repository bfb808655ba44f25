/* What the side topics say: control, catalogue, profiles. A row that is not valid is counted and
 * kept out, and the row before it stays: a bad write upstream must not take an item's margin away.
 */
#include "consumer/side/side_table.h"

#include "schemas/schemas.h"

#define METRICS_ROW_STRUCT struct side_metrics
METRICS_TABLE(side_metrics, SIDE_METRICS)
#undef METRICS_ROW_STRUCT

static const struct config_key keys[] = {
    {.name = "catalogue_rows_max",
     .type = CONFIG_INT,
     .offset = offsetof(struct side_config, catalogue_rows_max),
     .default_text = "1000000",
     .min = 1,
     .max = 4e9,
     .help = "items kept in memory by each worker; rows beyond it are counted and left out"},
    {.name = "profiles_rows_max",
     .type = CONFIG_INT,
     .offset = offsetof(struct side_config, profiles_rows_max),
     .default_text = "10000000",
     .min = 1,
     .max = 4e9,
     .help =
         "user profiles kept in memory by each worker; rows beyond it are counted and left out"},
    {.name = "framing",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct side_config, framing),
     .default_text = "single_object",
     .choices = wire_framing_names,
     .help = "how catalogue and profiles are framed: single_object, confluent or bare Avro"},
};
const struct config_table side_config_table = {keys, sizeof keys / sizeof keys[0],
                                               sizeof(struct side_config)};

/* The model's place is kept: rooms/score reads it, by whole versions, and the journal names those.
 */
const enum topic side_topics[] = {TOPIC_CONTROL, TOPIC_CATALOGUE, TOPIC_PROFILES, TOPIC_MODEL};
_Static_assert(sizeof side_topics / sizeof side_topics[0] == ROW_SIDES_MAX,
               "one position per side topic");
#define POLLED_COUNT 3

void side_init(struct side *side, const struct side_config *config) {
    *side = (struct side){.config = config};
    side->catalogue = side_table_new((size_t)config->catalogue_rows_max);
    side->profiles = side_table_new((size_t)config->profiles_rows_max);
}

void side_clean_up(struct side *side) {
    side_table_destroy(side->catalogue);
    side_table_destroy(side->profiles);
    *side = (struct side){0};
}

static void put(struct side *side, struct side_table *table, const struct record *record,
                struct bytes body) {
    if (!side_table_put(table, record->key, body)) {
        metric_add(&side->metrics.rows_dropped_total, 1);
    }
}

static void refuse(struct side *side) {
    metric_add(&side->metrics.rows_refused_total, 1);
}

/* Whether there is such a learner is for those to say who know them (score_choose). */
static void take_champion(struct side *side, struct bytes name) {
    if (name.size > SIDE_NAME_BYTES_MAX || memchr(name.data, 0, name.size)) {
        refuse(side);
        return;
    }
    memcpy(side->champion, name.data, name.size);
    side->champion[name.size] = '\0';
}

static void visit_control(void *context, const struct record *record) {
    struct side *side = context;
    struct bytes body;
    struct control_row row;
    metric_add(&side->metrics.rows_total, 1);
    if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_CONTROL, 0, record->value, &body) ||
        !control_decode(body, &row) || !bytes_equal(record->key, row.setting)) {
        refuse(side);
        return;
    }
    if (bytes_equal(row.setting, bytes_of_text(CONTROL_CHAMPION))) {
        take_champion(side, row.value);
        return;
    }
    if (!bytes_equal(row.setting, bytes_of_text(CONTROL_PAUSED))) {
        return; /* a setting of a newer version */
    }
    bool is_true = bytes_equal(row.value, bytes_of_text("true"));
    if (!is_true && !bytes_equal(row.value, bytes_of_text("false"))) {
        refuse(side);
        return;
    }
    side->is_paused = is_true;
}

/* What is joined goes into rows, ten items of it into one push, and a row must fit into a message.
 */
#define SIDE_ROW_BYTES_MAX 65536

static bool is_too_long(const struct record *record) {
    return record->key.size + record->value.size > SIDE_ROW_BYTES_MAX;
}

static void visit_catalogue(void *context, const struct record *record) {
    struct side *side = context;
    struct bytes body = bytes_of(NULL, 0);
    struct catalogue_item_row row;
    metric_add(&side->metrics.rows_total, 1);
    if (record->key.size == 0 || is_too_long(record) ||
        (record->value.data &&
         (!wire_unframe((enum wire_framing)side->config->framing, SCHEMA_CATALOGUE_ITEM, 0,
                        record->value, &body) ||
          !catalogue_item_decode(body, &row) || !bytes_equal(record->key, row.item_id)))) {
        refuse(side);
        return;
    }
    put(side, side->catalogue, record, body);
}

static void visit_profile(void *context, const struct record *record) {
    struct side *side = context;
    struct bytes body = bytes_of(NULL, 0);
    struct profile_row row;
    metric_add(&side->metrics.rows_total, 1);
    if (record->key.size == 0 || is_too_long(record) ||
        (record->value.data &&
         (!wire_unframe((enum wire_framing)side->config->framing, SCHEMA_PROFILE, 0, record->value,
                        &body) ||
          !profile_decode(body, &row) || !bytes_equal(record->key, row.user_id)))) {
        refuse(side);
        return;
    }
    put(side, side->profiles, record, body);
}

struct failure side_poll(struct side *side, struct broker *broker) {
    broker_visit *const visits[POLLED_COUNT] = {visit_control, visit_catalogue, visit_profile};
    for (size_t i = 0; i < POLLED_COUNT; i++) {
        struct failure failure =
            broker_side_poll(broker, side_topics[i], visits[i], side, &side->positions[i]);
        if (failed(failure)) {
            return failure;
        }
    }
    return failure_none();
}

bool side_catalogue_get(const struct side *side, struct bytes item_id,
                        struct catalogue_item_row *out) {
    struct bytes body = item_id.size ? side_table_get(side->catalogue, item_id) : item_id;
    return body.size > 0 && catalogue_item_decode(body, out);
}

bool side_profile_get(const struct side *side, struct bytes user_id, struct profile_row *out) {
    struct bytes body = user_id.size ? side_table_get(side->profiles, user_id) : user_id;
    return body.size > 0 && profile_decode(body, out);
}
