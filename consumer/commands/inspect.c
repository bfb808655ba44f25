#include "consumer/commands/inspect.h"

#include <math.h>

#include "consumer/ops/sheet.h"
#include "consumer/rooms/features.h"

#define DAY_MS INT64_C(86400000)

size_t decision_flag_words(uint8_t flags, struct bytes out[DECISION_FLAGS]) {
    static const char *const names[DECISION_FLAGS] = {
        "sent", "delivered", "revoked", "deferred", "ordered", "labelled", "matured", "censored",
    };
    size_t count = 0;
    for (size_t i = 0; i < DECISION_FLAGS; i++) {
        if (flags >> i & 1) {
            out[count++] = bytes_of_text(names[i]);
        }
    }
    return count;
}

const char *decision_label_so_far(const struct open_decision *open) {
    if (open->flags & DECISION_ORDERED) {
        return "bought";
    }
    return open->order_ms != TIME_NONE ? "cancelled" : "not bought so far";
}

/* ---- The part that every user has ---- */

static void show_times(struct sheet *sheet, const struct user_state *user) {
    sheet_begin_group(sheet, "seen");
    sheet_instant(sheet, "first", 0, user->first_seen_ms);
    sheet_instant(sheet, "last", 0, user->last_event_ms);
    sheet_flag(sheet, "bot_suspect", user->bot_suspect);
    sheet_end_group(sheet);
    sheet_begin_group(sheet, "session");
    sheet_instant(sheet, "since", 0, user->session_start_ms);
    sheet_integer(sheet, "views", 0, user->session_views);
    sheet_integer(sheet, "additions", 0, user->session_adds);
    sheet_integer(sheet, "sessions", 0, user->sessions);
    sheet_end_group(sheet);
}

static struct bytes chars_of(const char *text, size_t size) {
    return bytes_of(text, strnlen(text, size));
}

static void show_profile(struct sheet *sheet, const struct user_state *user,
                         const struct user_state_names *names) {
    static const char *const consents[] = {"unknown", "granted", "denied"};
    sheet_begin_group(sheet, "profile");
    sheet_text(sheet, "consent", 0, bytes_of_text(consents[user->consent]));
    sheet_text(sheet, "zone", 0,
               user->zone ? names->zone(names->context, user->zone) : bytes_of(NULL, 0));
    sheet_text(sheet, "locale", 0, chars_of(user->locale, sizeof user->locale));
    sheet_text(sheet, "currency", 0, chars_of(user->currency, sizeof user->currency));
    sheet_text(sheet, "place", 0, chars_of(user->place, sizeof user->place));
    sheet_end_group(sheet);
    sheet_begin_group(sheet, "orders");
    sheet_instant(sheet, "last", 0, user->order_ms);
    sheet_number(sheet, "value_14d", 0, 2, (double)user->order_value);
    sheet_number(sheet, "price_mean", 0, 2, (double)user->price_mean);
    sheet_integer(sheet, "coupons", 0, user->coupons);
    sheet_end_group(sheet);
}

static void show_counters(struct sheet *sheet, const struct user_state *user) {
    static const char *const kinds[COUNTER_KIND_COUNT] = {"viewed", "added", "checkout", "ordered",
                                                          "searched"};
    sheet_begin_list(sheet, "counters");
    for (int kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        const struct decayed_counter *counter = &user->counters[kind];
        if (counter->last_ms == TIME_NONE) {
            continue;
        }
        sheet_begin_row(sheet);
        sheet_text(sheet, "kind", -10, bytes_of_text(kinds[kind]));
        sheet_number(sheet, "v1h", 0, -1, counter_at(counter, 0, user->last_event_ms));
        sheet_number(sheet, "v1d", 0, -1, counter_at(counter, 1, user->last_event_ms));
        sheet_number(sheet, "v14d", 0, -1, counter_at(counter, 2, user->last_event_ms));
        sheet_instant(sheet, "last", 0, counter->last_ms);
        sheet_end_row(sheet);
    }
    sheet_end_list(sheet);
}

static void show_recent(struct sheet *sheet, const struct user_state *user,
                        const struct user_state_names *names) {
    sheet_begin_list(sheet, "recent");
    for (size_t i = 0; i < USER_RECENT_ITEMS; i++) {
        const struct recent_item *recent = &user->recent[i];
        if (recent->item == 0) {
            continue;
        }
        sheet_begin_row(sheet);
        sheet_text(sheet, "item", -24, names->item(names->context, recent->item));
        sheet_text(sheet, "event", -18,
                   bytes_of_text(event_type_name((enum event_type)recent->kind)));
        sheet_end_row(sheet);
    }
    sheet_end_list(sheet);
}

/* ---- What only some have ---- */

static void show_cart(struct sheet *sheet, const struct user_active *active,
                      const struct user_state_names *names) {
    sheet_begin_list(sheet, "cart");
    for (size_t i = 0; i < active->cart_count; i++) {
        const struct cart_line *line = &active->cart[i];
        struct bytes item =
            line->item ? names->item(names->context, line->item) : bytes_of(NULL, 0);
        sheet_begin_row(sheet);
        sheet_text(sheet, "item", -24, item);
        sheet_integer(sheet, "quantity", 5, line->quantity);
        sheet_number(sheet, "price", 10, 2, (double)line->price);
        sheet_end_row(sheet);
    }
    sheet_end_list(sheet);
}

static double cart_value(const struct user_active *active) {
    double sum = active->cart_count > 0 ? 0 : NAN;
    for (size_t i = 0; i < active->cart_count; i++) {
        double price = (double)active->cart[i].price;
        sum += isnan(price) ? 0 : price * active->cart[i].quantity;
    }
    return sum;
}

static void show_active(struct sheet *sheet, const struct user_active *active) {
    char episode[33] = "";
    if (active->episode_end_ms != TIME_NONE) {
        hash128_format(active->episode_id, episode);
    }
    sheet_begin_group(sheet, "basket");
    sheet_integer(sheet, "lines", 0, active->cart_count);
    sheet_number(sheet, "value", 0, 2, cart_value(active));
    sheet_integer(sheet, "overflow", 0, active->cart_overflow);
    sheet_instant(sheet, "changed", 0, active->cart_changed_ms);
    sheet_instant(sheet, "checkout", 0, active->checkout_ms);
    sheet_end_group(sheet);
    sheet_begin_group(sheet, "episode");
    sheet_text(sheet, "id", 0, bytes_of_text(episode));
    sheet_instant(sheet, "ends", 0, active->episode_end_ms);
    sheet_end_group(sheet);
}

static int64_t sent_within(const struct user_active *active, int64_t now_ms, int64_t window_ms) {
    int64_t count = 0;
    for (size_t i = 0; i < active->sent_count; i++) {
        count += now_ms - active->sent_ms[i] < window_ms;
    }
    return count;
}

static void show_caps(struct sheet *sheet, const struct user_state *user,
                      const struct decide_config *decide) {
    const struct user_active *active = user->active;
    int64_t last_ms = active->sent_count > 0 ? active->sent_ms[active->sent_count - 1] : TIME_NONE;
    int64_t now_ms = last_ms > user->last_event_ms ? last_ms : user->last_event_ms;
    sheet_begin_group(sheet, "pushes");
    sheet_instant(sheet, "last", 0, last_ms);
    sheet_integer(sheet, "in_24h", 0, sent_within(active, now_ms, DAY_MS));
    sheet_integer(sheet, "cap_per_day", 0, decide->cap_per_user_day);
    sheet_integer(sheet, "in_7d", 0, sent_within(active, now_ms, 7 * DAY_MS));
    sheet_integer(sheet, "cap_per_week", 0, decide->cap_per_user_week);
    sheet_number(sheet, "pressure", 0, -1, (double)user->push_pressure);
    sheet_integer(sheet, "opened", 0, user->opened);
    sheet_integer(sheet, "dismissed", 0, user->dismissed);
    sheet_end_group(sheet);
}

static void show_timers(struct sheet *sheet, const struct user_active *active) {
    static const char *const names[TIMER_KIND_COUNT] = {"cart", "checkout", "browse", "decisions",
                                                        "observe"};
    sheet_begin_list(sheet, "timers");
    for (int kind = 0; kind < TIMER_KIND_COUNT; kind++) {
        if (active->timers[kind].deadline_ms != TIME_NONE) {
            sheet_begin_row(sheet);
            sheet_text(sheet, "kind", -10, bytes_of_text(names[kind]));
            sheet_instant(sheet, "fires", -20, active->timers[kind].deadline_ms);
            sheet_end_row(sheet);
        }
    }
    sheet_end_list(sheet);
}

/* ---- Decisions ---- */

static const struct open_decision_row *find_row(const struct inspect_view *view,
                                                struct hash128 id) {
    for (size_t i = 0; i < view->open_row_count; i++) {
        if (hash128_equal(view->open_rows[i].open.id, id)) {
            return &view->open_rows[i];
        }
    }
    return NULL;
}

static void show_open(struct sheet *sheet, const struct inspect_view *view,
                      const struct open_decision *open) {
    char id[33];
    hash128_format(open->id, id);
    struct bytes words[DECISION_FLAGS];
    size_t count = decision_flag_words(open->flags, words);
    const struct open_decision_row *row = find_row(view, open->id);
    sheet_begin_row(sheet);
    sheet_text(sheet, "decision_id", -32, bytes_of_text(id));
    sheet_text(sheet, "trigger", -18, bytes_of_text(trigger_names[open->trigger]));
    sheet_instant(sheet, "decided", 0, open->decided_ms);
    sheet_text(sheet, "offer", 0, bytes_of_text(open->offer_id));
    sheet_text(sheet, "bucket", 0, row ? row->bucket : bytes_of(NULL, 0));
    sheet_break(sheet);
    sheet_words(sheet, "flags", 0, words, count);
    sheet_text(sheet, "label", 0, bytes_of_text(decision_label_so_far(open)));
    sheet_instant(sheet, "ordered", 0, open->order_ms);
    sheet_number(sheet, "order_total", 0, 2, open->order_total);
    sheet_number(sheet, "refunded", 0, -1, open->refunded);
    sheet_integer(sheet, "examples", 0, open->revision);
    sheet_break(sheet);
    sheet_instant(sheet, "next_step", 0, outcomes_next_ms(view->outcomes, open));
    sheet_instant(sheet, "redecided", 0, open->redecide_ms);
    sheet_instant(sheet, "push_expires", 0, open->expires_ms);
    sheet_instant(sheet, "window_ends", 0, open->close_ms);
    sheet_end_row(sheet);
}

/* A value of actions, and the first learner's probability of buying, for what was done. */
static void show_action(struct sheet *sheet, const struct decision_row *row) {
    double value = NAN, buys = NAN;
    for (size_t i = 0; i < row->action_count; i++) {
        if (bytes_equal(row->actions[i].action, row->action)) {
            value = row->actions[i].value;
            buys = row->score_count > 0 && i < row->scores[0].p_count ? row->scores[0].p[i]
                                                                      : (double)NAN;
        }
    }
    sheet_number(sheet, "action_p", 0, 4, row->action_p);
    sheet_number(sheet, "buy_p", 0, 4, buys);
    sheet_number(sheet, "value", 0, 2, value);
}

static void show_decision(struct sheet *sheet, const struct decision_row *row) {
    char id[33];
    hash128_format(row->decision_id, id);
    sheet_begin_row(sheet);
    sheet_instant(sheet, "decided", -20, row->decided_ms);
    sheet_text(sheet, "trigger", -18, bytes_of_text(trigger_names[row->trigger]));
    sheet_text(sheet, "action", -16, row->action);
    sheet_text(sheet, "reason", -16, row->reason);
    sheet_text(sheet, "policy", 0, row->policy);
    show_action(sheet, row);
    sheet_text(sheet, "decision_id", 0, bytes_of_text(id));
    sheet_integer(sheet, "attempt", 0, row->attempt);
    sheet_end_row(sheet);
}

static void show_state(struct sheet *sheet, const struct inspect_view *view) {
    const struct user_state *user = view->state;
    show_times(sheet, user);
    show_profile(sheet, user, view->names);
    if (user->active) {
        show_active(sheet, user->active);
        show_caps(sheet, user, view->decide);
    }
    show_counters(sheet, user);
    show_recent(sheet, user, view->names);
    if (!user->active) {
        return;
    }
    show_cart(sheet, user->active, view->names);
    show_timers(sheet, user->active);
    sheet_begin_list(sheet, "open decisions");
    for (size_t i = 0; i < user->active->open_count; i++) {
        show_open(sheet, view, &user->active->open[i]);
    }
    sheet_end_list(sheet);
}

void inspect_render(const struct inspect_view *view, bool is_json, struct buffer *out) {
    struct sheet sheet = sheet_begin(out, is_json);
    sheet_begin_group(&sheet, "user");
    sheet_text(&sheet, "id", 0, view->user_id);
    sheet_integer(&sheet, "partition", 0, view->partition);
    sheet_integer(&sheet, "of", 0, view->partition_count);
    sheet_end_group(&sheet);
    sheet_note(&sheet, "note", view->note);
    if (view->state) {
        show_state(&sheet, view);
    } else {
        sheet_note(&sheet, "state",
                   is_json ? "" : "  no row in user-state: the user was forgotten");
    }
    sheet_begin_list(&sheet, "last decisions");
    for (size_t i = 0; i < view->decision_count; i++) {
        show_decision(&sheet, &view->decisions[i]);
    }
    sheet_end_list(&sheet);
    sheet_end(&sheet);
}
