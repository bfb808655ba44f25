/* What goes on beside the clickstream of the live lane: phones that answer pushes, people who pause
 * and resume, a shop that changes its catalogue and profiles. */
#include <math.h>

#include "schemas/schemas.h"
#include "tests/simulation/world.h"

#define PHONES_US_MAX (2 * SIM_SECOND)
#define PEOPLE_US_MAX (12 * SIM_SECOND)
#define ITEMS         30

/* ---- side topics ---- */

void world_put_item(struct world *world, int number, double margin) {
    char id[16], name[24];
    struct buffer value = {0};
    struct catalogue_item_row row = {
        .item_id = bytes_of(id, (size_t)snprintf(id, sizeof id, "item-%d", number)),
        .name = bytes_of(name, (size_t)snprintf(name, sizeof name, "Item %d", number)),
        .category = bytes_of_text(number % 2 ? "shoes" : "hats"),
        .price = 5 + number,
        .margin = margin,
        .stock = -1,
    };
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_CATALOGUE_ITEM, 0, &value);
    catalogue_item_encode(&row, &value);
    cluster_append(&world->cluster, TOPIC_CATALOGUE, 0, row.item_id, buffer_bytes(&value), 0);
    buffer_clean_up(&value);
}

void world_put_profile(struct world *world, int number, const char *region) {
    char id[16];
    struct buffer value = {0};
    struct profile_row row = {
        .user_id = bytes_of(id, (size_t)snprintf(id, sizeof id, "user-%d", number)),
        .age_band = bytes_of_text(number % 2 ? "25-34" : "35-44"),
        .region = bytes_of_text(region),
        .consent = CONSENT_GRANTED,
    };
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_PROFILE, 0, &value);
    profile_encode(&row, &value);
    cluster_append(&world->cluster, TOPIC_PROFILES, 0, row.user_id, buffer_bytes(&value), 0);
    buffer_clean_up(&value);
}

static void put_paused(struct world *world, bool is_paused) {
    struct buffer value = {0};
    struct control_row row = {.setting = bytes_of_text("paused"),
                              .value = bytes_of_text(is_paused ? "true" : "false"),
                              .changed_by = bytes_of_text("somebody"),
                              .why = bytes_of_text("a simulation")};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_CONTROL, 0, &value);
    control_encode(&row, &value);
    cluster_append(&world->cluster, TOPIC_CONTROL, 0, row.setting, buffer_bytes(&value), 0);
    buffer_clean_up(&value);
}

void world_people_run(void *context) {
    struct world *world = context;
    bool is_paused = false;
    while (!world->is_input_done) {
        int item = (int)rng_below(&world->rng, ITEMS);
        switch (rng_below(&world->rng, 4)) {
        case 0:
            is_paused = !is_paused;
            put_paused(world, is_paused);
            break;
        case 1:
            world_put_item(world, item, rng_unit(&world->rng));
            break;
        case 2:
            world_put_item(world, item, NAN);
            break;
        default:
            world_put_profile(world, (int)rng_below(&world->rng, 12), "south");
        }
        schedule_sleep(&world->schedule, (int64_t)rng_below(&world->rng, PEOPLE_US_MAX));
    }
}

/* ---- phones ---- */

static void answer(struct world *world, int32_t partition, const struct log_entry *entry) {
    static const enum event_type types[] = {EVENT_PUSH_DELIVERED, EVENT_PUSH_DELIVERED,
                                            EVENT_PUSH_OPENED, EVENT_PUSH_DISMISSED};
    struct push_row push;
    struct bytes body;
    if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_PUSH, 0, entry->value, &body) ||
        !push_decode(body, &push)) {
        world_violation(world, "promotion-pushes [%d]: a row is not valid", (int)partition);
        return;
    }
    char id[33], event_id[33];
    hash128_format(push.decision_id, id);
    struct event event;
    event_clear(&event, NULL);
    event.type = types[rng_below(&world->rng, sizeof types / sizeof *types)];
    event.user_id = push.user_id;
    event.event_id = bytes_of(
        event_id, (size_t)snprintf(event_id, sizeof event_id, "f-%d-%.20s", (int)event.type, id));
    event.decision_id = bytes_of(id, 32);
    event.event_ms = push.not_before_ms == TIME_NONE ? push.expires_ms : push.not_before_ms;
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &value);
    event_encode(&event, &value);
    cluster_append(&world->cluster, TOPIC_PUSH_FEEDBACK, partition, push.user_id,
                   buffer_bytes(&value), event.event_ms);
    buffer_clean_up(&value);
}

/* Of committed pushes alone. */
void world_phones_run(void *context) {
    struct world *world = context;
    int64_t next[CLUSTER_PARTITIONS_MAX] = {0};
    while (!world->is_input_done) {
        for (int32_t p = 0; p < world->partitions; p++) {
            const struct partition_log *log = &world->cluster.logs[TOPIC_PROMOTION_PUSHES][p];
            int64_t stable = partition_log_stable(log);
            for (; next[p] < stable; next[p]++) {
                if (partition_log_is_visible(log, next[p]) && rng_below(&world->rng, 3)) {
                    answer(world, p, &log->entries[next[p]]);
                }
            }
        }
        schedule_sleep(&world->schedule, (int64_t)rng_below(&world->rng, PHONES_US_MAX));
    }
}
