#include "consumer/rooms/capture.h"

#include "consumer/rooms/triggers.h"

static struct bytes name_of(const char *padded, size_t capacity) {
    return bytes_of(padded, strnlen(padded, capacity));
}

/* One episode per stretch of attribution: its first decision opens it, later ones are follow-ups
 * (METHODS 0, rule 3). It does not end while a decision of it waits for the morning, which must be
 * taken by the same draw. */
static void join_episode(const struct decide_config *config, struct user_active *active,
                         struct decision *out) {
    bool is_over = active->episode_end_ms <= out->deadline_ms && !state_is_deferred(active);
    if (active->episode_end_ms == TIME_NONE || is_over) {
        active->episode_id = out->id;
        active->episode_end_ms = out->deadline_ms + config->attribution_window_ms;
    }
    out->episode_id = active->episode_id;
    out->is_followup = !hash128_equal(active->episode_id, out->id);
}

static void capture_identity(const struct partition *partition, const struct user_state *user,
                             const struct profile_row *profile, struct decision *out) {
    out->user_id = user_state_id(user);
    out->consent = (enum consent)user->consent;
    out->zone = user->zone;
    out->locale = name_of(user->locale, sizeof user->locale);
    out->currency = name_of(user->currency, sizeof user->currency);
    if (profile) {
        out->subject_key_id = profile->subject_key_id;
        out->canonical_id = profile->canonical_id;
        out->channel = profile->channel;
        out->consent =
            out->consent == CONSENT_UNKNOWN ? (enum consent)profile->consent : out->consent;
        out->zone = out->zone == TIMEZONE_NONE
                        ? timezone_find(partition->store.zones, profile->timezone)
                        : out->zone;
        out->locale = out->locale.size ? out->locale : profile->locale;
    }
    out->is_new_user = user->order_ms == TIME_NONE;
    out->sent_count = user->active->sent_count;
    memcpy(out->sent_ms, user->active->sent_ms, sizeof out->sent_ms);
}

static void add_item(const struct side *side, struct bytes id, double price, struct decision *out) {
    if (out->item_count == ROW_ITEMS_MAX || id.size == 0) {
        return;
    }
    struct push_item *item = &out->items[out->item_count++];
    struct catalogue_item_row row;
    *item = (struct push_item){.id = id, .price = price};
    if (side_catalogue_get(side, id, &row)) {
        item->name = row.name;
        item->image = row.image;
        item->url = row.url;
        item->price = isnan(price) ? row.price : price;
    }
}

static bool has_item(const struct decision *decision, struct bytes id) {
    for (size_t i = 0; i < decision->item_count; i++) {
        if (bytes_equal(decision->items[i].id, id)) {
            return true;
        }
    }
    return false;
}

/* The cart's lines; without a cart what was viewed last. Returns the dearest line's item, else the
 * newest viewed. */
static struct bytes capture_items(const struct side *side, const struct partition *partition,
                                  const struct user_state *user, struct decision *out) {
    const struct items *items = &partition->store.items;
    struct bytes top = items_text(items, user->recent[0].item);
    double top_value = -1;
    for (size_t i = 0; i < user->active->cart_count; i++) {
        const struct cart_line *line = &user->active->cart[i];
        double value = isnan(line->price) ? 0 : (double)line->price * line->quantity;
        add_item(side, items_text(items, line->item), (double)line->price, out);
        if (value > top_value) {
            top = items_text(items, line->item);
            top_value = value;
        }
    }
    for (size_t i = 0; user->active->cart_count == 0 && i < USER_RECENT_ITEMS; i++) {
        struct bytes id = items_text(items, user->recent[i].item);
        if (!has_item(out, id)) {
            add_item(side, id, NAN, out);
        }
    }
    return top;
}

/* Value-weighted margin share of the cart's lines whose margin the catalogue knows. */
static double cart_margin(const struct side *side, const struct partition *partition,
                          const struct user_state *user) {
    double value = 0, earned = 0;
    for (size_t i = 0; i < user->active->cart_count; i++) {
        const struct cart_line *line = &user->active->cart[i];
        struct catalogue_item_row row;
        if (!isnan(line->price) &&
            side_catalogue_get(side, items_text(&partition->store.items, line->item), &row) &&
            !isnan(row.margin)) {
            value += (double)line->price * line->quantity;
            earned += (double)line->price * line->quantity * row.margin;
        }
    }
    return value > 0 ? earned / value : NAN;
}

static void capture_features(const struct side *side, const struct partition *partition,
                             const struct user_state *user, const struct profile_row *profile,
                             struct bytes top_item_id, struct decision *out) {
    struct catalogue_item_row top;
    bool is_known = side_catalogue_get(side, top_item_id, &top);
    struct feature_context context = {
        .profile = profile,
        .top_item = is_known ? &top : NULL,
        .top_item_id = top_item_id,
        .zone_name = timezone_name(partition->store.zones, out->zone),
        .local_hour = -1,
        .local_weekday = -1,
        .margin = out->margin,
    };
    if (out->zone != TIMEZONE_NONE) {
        int64_t local_s = out->decided_ms / 1000 +
                          timezone_offset_s(partition->store.zones, out->zone, out->decided_ms);
        context.local_hour = (int)(local_s / 3600 % 24);
        context.local_weekday =
            (int)((local_s / 86400 + 4) % 7); /* 1970-01-01 was a Thursday; 0 = Sunday */
    }
    features_capture(user, &context, out);
}

/* Item ids are interned per process: by their hash they mean the same everywhere. */
static void capture_steps(const struct partition *partition, const struct user_state *user,
                          struct decision *out) {
    for (size_t i = USER_RECENT_ITEMS; i-- > 0;) {
        const struct recent_item *recent = &user->recent[i];
        if (recent->item != ITEM_NONE) {
            out->steps[out->step_count++] = (struct behaviour_step){
                .item = hash64(items_text(&partition->store.items, recent->item), 0),
                .kind = recent->kind,
                .gap_s = recent->gap_s < 0 ? (double)NAN : recent->gap_s,
            };
        }
    }
}

void capture_decision(const struct decide_config *config, const struct side *side,
                      struct partition *partition, uint32_t slot, const struct capture_cause *cause,
                      struct decision *out) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    struct profile_row row;
    const struct profile_row *profile =
        side_profile_get(side, user_state_id(user), &row) ? &row : NULL;
    *out = (struct decision){
        .trigger = cause->trigger,
        .anchor = cause->anchor,
        .deadline_ms = cause->deadline_ms,
        .decided_ms = cause->decided_ms,
        .close_ms = cause->deadline_ms + config->attribution_window_ms,
        .redecide_ms = TIME_NONE,
        .expires_ms = TIME_NONE,
        .would_have = -1,
        .offer = -1,
        .weight = 1,
    };
    capture_identity(partition, user, profile, out);
    out->id = triggers_decision_id(out->user_id, out->trigger, out->anchor, out->deadline_ms);
    if (cause->open) {
        out->attempt = (uint8_t)(cause->open->attempt + 1);
        if (cause->open->close_ms > cause->decided_ms) { /* else the night outlived the window */
            out->close_ms = cause->open->close_ms;
        } else {
            out->close_ms = cause->decided_ms + config->attribution_window_ms;
        }
        out->is_condition_gone = !triggers_still_holds(user, cause->open);
        out->episode_id = user->active->episode_id;
        out->is_followup = !hash128_equal(out->episode_id, out->id);
    } else {
        out->is_too_many_open = user->active->open_count >= USER_OPEN_MAX;
        if (cause->trigger != TRIGGER_OBSERVE) {
            join_episode(config, user->active, out);
        }
    }
    struct bytes top = capture_items(side, partition, user, out);
    out->cart_value = state_cart_value(user);
    out->margin = cart_margin(side, partition, user);
    capture_features(side, partition, user, profile, top, out);
    capture_steps(partition, user, out);
}
