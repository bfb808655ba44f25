/* The engine: one step of simulated time after the other. */
#include "producer/shop.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "producer/shop_bot.h"
#include "producer/shop_engine.h"

struct shop_options shop_options_default(void) {
    return (struct shop_options){.world = "base",
                                 .seed = 1,
                                 .users = 10000,
                                 .days = 30,
                                 .start_ms = SHOP_START_MS_DEFAULT,
                                 .consent_granted = NAN,
                                 .consent_denied = NAN};
}

/* ---- life ---- */

static struct failure check_options(const struct shop_options *options) {
    if (options->users < 1 || options->users > SHOP_USERS_MAX) {
        return failure_make(FAILURE_STOP, 0, "users: found %" PRId64 ", expected 1 to %" PRId64,
                            options->users, SHOP_USERS_MAX);
    }
    if (options->days < 1 || options->days > SHOP_DAYS_MAX) {
        return failure_make(FAILURE_STOP, 0, "days: found %d, expected 1 to %d", options->days,
                            SHOP_DAYS_MAX);
    }
    if (options->start_ms % DAY_MS != 0) {
        return failure_make(FAILURE_STOP, 0, "start: expected a midnight, UTC");
    }
    if (options->report_from_day < 0 || options->report_from_day >= options->days) {
        return failure_make(FAILURE_STOP, 0, "report-from-day: found %d, expected 0 to %d",
                            options->report_from_day, options->days - 1);
    }
    if (isnan(options->consent_granted) != isnan(options->consent_denied)) {
        return failure_make(FAILURE_STOP, 0, "consent: expected both shares or none");
    }
    double given = options->consent_granted + options->consent_denied;
    if (options->consent_granted < 0 || options->consent_denied < 0 || given > 1 + 1e-9) {
        return failure_make(FAILURE_STOP, 0, "consent: expected shares of at most 1 in all");
    }
    return failure_none();
}

static void put_wakes(struct shop *shop) {
    int64_t users = shop->options.users, start_ms = shop->options.start_ms;
    shop_wakes_init(&shop->wakes, (size_t)(users + shop->bots));
    for (int64_t i = 0; i < users; i++) {
        struct shop_user user;
        shop_user_make(&shop->world, shop->options.seed, i, &user);
        int64_t at_ms = shop_session_arrival(&shop->scene, &user, i, 0, start_ms);
        if (at_ms != SHOP_NEVER) {
            shop_wakes_put(&shop->wakes, at_ms, i);
        }
    }
    for (int64_t i = 0; i < shop->bots; i++) {
        int64_t at_ms = shop_bot_arrival(&shop->scene, users + i, 0, start_ms);
        if (at_ms != SHOP_NEVER) {
            shop_wakes_put(&shop->wakes, at_ms, users + i);
        }
    }
    shop_wakes_order(&shop->wakes);
}

static void open(struct shop *shop) {
    const struct shop_options *options = &shop->options;
    shop->calendar =
        shop_calendar_new(&shop->world, options->seed, options->start_ms, options->days);
    shop->catalogue = shop_catalogue_new(&shop->world, options->seed, options->days);
    shop_tastes_init(&shop->tastes, &shop->world, options->seed);
    shop->queue = shop_queue_new();
    shop->shoppers = memory_new((size_t)options->users, sizeof *shop->shoppers);
    shop->beliefs = memory_new((size_t)options->users, sizeof *shop->beliefs);
    shop->report.gains.from_ms = options->start_ms + options->report_from_day * DAY_MS;
    shop->scene = (struct shop_scene){.world = &shop->world,
                                      .calendar = shop->calendar,
                                      .catalogue = shop->catalogue,
                                      .tastes = &shop->tastes,
                                      .seed = options->seed};
    bool is_dirty = options->nuisance == SHOP_AS_WORLD ? shop->world.nuisance.enabled
                                                       : options->nuisance == SHOP_ON;
    shop->nuisance = (struct shop_nuisance){.world = &shop->world.nuisance,
                                            .seed = options->seed,
                                            .is_on = is_dirty,
                                            .queue = shop->queue,
                                            .causes = shop->causes.file ? &shop->causes : NULL};
    shop->bots = is_dirty ? (int64_t)ceil(shop->world.nuisance.bots * (double)options->users) : 0;
    shop->bot_views = memory_new(shop->bots ? (size_t)shop->bots : 1, sizeof *shop->bot_views);
    shop->speech.seed = options->seed;
    shop->speech.catalogue = shop->catalogue;
    shop->now_ms = options->start_ms;
    shop->next_change = UINT32_MAX; /* the first day's items are no changes */
    put_wakes(shop);
}

struct failure shop_new(const struct shop_options *options, FILE *errors, struct shop **out) {
    *out = NULL;
    struct shop *shop = memory_new(1, sizeof *shop);
    shop->options = *options;
    struct failure failure = check_options(options);
    if (!failed(failure)) {
        failure = shop_world_load(options->world, errors, &shop->world);
    }
    if (!failed(failure)) {
        failure = shop_truth_open(options->truth_path, &shop->truth);
    }
    if (!failed(failure)) {
        failure = shop_causes_open(options->causes_path, options->seed, &shop->causes);
    }
    if (failed(failure)) {
        struct failure ignored = shop_truth_close(&shop->truth);
        (void)ignored; /* the first one is told */
        free(shop);
        return failure;
    }
    if (!isnan(options->consent_granted)) {
        shop->world.consent.granted = options->consent_granted;
        shop->world.consent.denied = options->consent_denied;
    }
    open(shop);
    *out = shop;
    return failure_none();
}

struct failure shop_finish(struct shop *shop) {
    struct failure truth = shop_truth_close(&shop->truth);
    struct failure causes = shop_causes_close(&shop->causes);
    return failed(truth) ? truth : causes;
}

void shop_destroy(struct shop *shop) {
    if (!shop) {
        return;
    }
    struct failure ignored = shop_finish(shop);
    (void)ignored; /* who cares about the files has called shop_finish */
    shop_calendar_destroy(shop->calendar);
    shop_catalogue_destroy(shop->catalogue);
    shop_tastes_clean_up(&shop->tastes);
    shop_queue_destroy(shop->queue);
    shop_wakes_clean_up(&shop->wakes);
    shop_episodes_clean_up(shop);
    free(shop->shoppers);
    free(shop->beliefs);
    free(shop->pushed);
    free(shop->pending);
    free(shop->bot_views);
    free(shop);
}

/* ---- time ---- */

static void wake_bot(struct shop *shop, int64_t bot, int64_t at_ms) {
    uint32_t seq = shop->bot_views[bot - shop->options.users]++;
    shop_bot_act(&shop->scene, &shop->nuisance, bot, seq, at_ms);
    shop_wakes_move_first(&shop->wakes, shop_bot_arrival(&shop->scene, bot, seq + 1, at_ms));
}

static bool is_held_by_user(const struct shop *shop, const struct shop_episode *episode) {
    return !shop_identity_ends_as_guest(
        shop_nuisance_identity(&shop->nuisance, episode->user, episode->session));
}

static void wake_user(struct shop *shop, int64_t index, int64_t at_ms) {
    struct shop_session *session = &shop->session;
    uint32_t number = shop->shoppers[index].sessions++;
    struct shop_user user;
    shop_user_make(&shop->world, shop->options.seed, index, &user);
    struct shop_past past = {.pay_factor = 1, .skips_cart = shop_feedback_skips_cart(shop, index)};
    bool old_cart_is_users = false;
    const struct shop_episode *old = shop_episode_latest(shop, index);
    if (old && !old->is_bought) {
        past.old_cart = old->cart;
        old_cart_is_users = is_held_by_user(shop, old);
    }
    if (shop_feedback_coupons(shop, index, at_ms) >= 2) {
        past.pay_factor = 1 - shop->world.outcome.wait_training;
    }
    shop_session_make(&shop->scene, &user, index, number, at_ms, &past, session);
    shop_report_session(&shop->report, session, user.type);
    shop_learn_session(shop, index, &user, session, &past);
    if (session->is_cart_skipped) {
        shop_feedback_cart_skipped(shop, index);
    }
    shop_nuisance_send_session(&shop->nuisance, session, &past.old_cart, old_cart_is_users);
    if (session->has_cart && session->is_paid) {
        shop_episode_forget(shop, index);
    } else if (session->has_cart) {
        shop_episode_open(shop, index, session);
    }
    int64_t free_ms = shop_session_free_ms(session);
    shop_wakes_move_first(&shop->wakes,
                          shop_session_arrival(&shop->scene, &user, index, number + 1, free_ms));
}

static bool emit_change(struct shop *shop, struct shop_emission *out) {
    uint32_t count = shop_catalogue_items(shop->catalogue, shop->day);
    while (shop->next_change < count) {
        uint32_t item = shop->next_change++;
        if (shop_catalogue_is_changed(shop->catalogue, item, shop->day)) {
            out->stream = SHOP_CATALOGUE;
            shop_catalogue_row(shop->catalogue, item, shop->day, &out->item);
            out->key = out->item.item_id;
            shop->report.catalogue_changes++;
            return true;
        }
    }
    return false;
}

/* Opens the next day if it begins before what comes next. */
static bool turn_day(struct shop *shop, int64_t next_ms) {
    int64_t midnight_ms = shop->options.start_ms + (shop->day + 1) * DAY_MS;
    if (shop->day + 1 >= shop->options.days || midnight_ms > next_ms) {
        return false;
    }
    shop->day++;
    shop->now_ms = midnight_ms;
    shop_catalogue_open_day(shop->catalogue, shop->day);
    shop->next_change = shop->options.with_catalogue_changes ? 0 : UINT32_MAX;
    return true;
}

static void emit_feedback(struct shop *shop, const struct shop_said *said,
                          struct shop_emission *out) {
    struct shop_user user;
    shop_user_make(&shop->world, shop->options.seed, said->push.user, &user);
    out->stream = SHOP_FEEDBACK;
    out->partition = said->push.partition;
    shop_speech_feedback(&shop->speech, said, &user, &out->event);
}

/* True if the plan is a message, now in *out. */
static bool carry_out(struct shop *shop, const struct shop_plan *plan, struct shop_emission *out) {
    switch (plan->kind) {
    case PLAN_CLICK:
        out->stream = SHOP_CLICKSTREAM;
        shop_speech_click(&shop->speech, &plan->click, &out->event);
        break;
    case PLAN_FEEDBACK:
        shop_learn_reaction(shop, &plan->said);
        emit_feedback(shop, &plan->said, out);
        break;
    case PLAN_DECISION:
        shop_episode_decide(shop, plan->episode);
        return false;
    case PLAN_ORDER:
        shop_episode_order(shop, plan->episode);
        return false;
    case PLAN_PUSH: {
        struct shop_push push = plan->push; /* the plan's place is used again by what follows */
        shop_feedback_deliver(shop, &push, shop->now_ms);
        return false;
    }
    }
    out->key = out->event.user_id;
    shop->report.emitted[out->event.type]++;
    return true;
}

bool shop_next(struct shop *shop, struct shop_emission *out) {
    out->partition = -1;
    for (;;) {
        if (emit_change(shop, out)) {
            break;
        }
        int64_t wake_ms = shop_wakes_next_ms(&shop->wakes);
        int64_t plan_ms = shop_queue_next_ms(shop->queue);
        int64_t next_ms = wake_ms < plan_ms ? wake_ms : plan_ms;
        if (next_ms == INT64_MAX) {
            return false;
        }
        if (turn_day(shop, next_ms)) {
            continue;
        }
        shop->now_ms = next_ms > shop->now_ms ? next_ms : shop->now_ms;
        if (wake_ms <= plan_ms) {
            int64_t who = shop_wakes_next_user(&shop->wakes);
            if (who < shop->options.users) {
                wake_user(shop, who, wake_ms);
            } else {
                wake_bot(shop, who, wake_ms);
            }
        } else if (carry_out(shop, shop_queue_take(shop->queue), out)) {
            break;
        }
    }
    out->arrival_ms = shop->now_ms;
    return true;
}

int64_t shop_now_ms(const struct shop *shop) {
    return shop->now_ms;
}

/* ---- what is known before the first event ---- */

int64_t shop_catalogue_count(const struct shop *shop) {
    return shop_catalogue_items(shop->catalogue, 0);
}

void shop_catalogue_item(const struct shop *shop, int64_t index, struct catalogue_item_row *out) {
    shop_catalogue_row(shop->catalogue, (uint32_t)index, 0, out);
}

int64_t shop_profile_count(const struct shop *shop) {
    return shop->options.users;
}

void shop_profile(struct shop *shop, int64_t index, struct profile_row *out) {
    struct shop_user user;
    shop_user_make(&shop->world, shop->options.seed, index, &user);
    shop_user_profile(&user, index, shop->profile_id, out);
}

const struct shop_report *shop_report_of(const struct shop *shop) {
    return &shop->report;
}

const char *shop_policy_in_force(const struct shop *shop) {
    bool is_listening = shop->options.policy == SHOP_POLICY_NONE && shop->report.pushes.read > 0;
    return is_listening ? "listened" : shop_policy_names[shop->options.policy];
}

const struct shop_nuisance_counts *shop_nuisance_counts_of(const struct shop *shop) {
    return &shop->nuisance.counts;
}
