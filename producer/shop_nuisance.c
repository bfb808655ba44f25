#include "producer/shop_nuisance.h"

#include "producer/shop_draw.h"

#define SECOND_MS       1000.0
#define REORDERED_MS    60000.0
#define DUPLICATE_MS    600000.0
#define LATE_MEAN_MS    600000.0
#define ASYNC_MS        1200000.0
#define REFUND_DAYS     9.0
#define REFUND_S        0.5
#define FUTURE_DAYS_MAX 365.0
#define LOGIN_AFTER_MS  400 /* dwells are at least a second */

struct shop_identity shop_nuisance_identity(const struct shop_nuisance *nuisance, int64_t user,
                                            uint32_t session) {
    if (!nuisance->is_on) {
        return (struct shop_identity){0};
    }
    const struct shop_nuisance_world *world = nuisance->world;
    struct rng rng = shop_draw(nuisance->seed, (uint64_t)user, NUISANCE_IDENTITY, session);
    struct shop_identity identity;
    identity.starts_as_guest = rng_unit(&rng) < world->guest;
    identity.logs_in = identity.starts_as_guest && rng_unit(&rng) < world->login;
    bool has_second =
        shop_draw_unit(nuisance->seed, (uint64_t)user, NUISANCE_DEVICE, 0) < world->second_device;
    identity.is_on_second_device =
        has_second && shop_draw_unit(nuisance->seed, (uint64_t)user, NUISANCE_DEVICE,
                                     1 + (uint64_t)session) < 0.5;
    return identity;
}

/* ---- one message ---- */

/* What the message is already says that something was done to it. */
static uint32_t causes_of_kind(const struct shop_click *click) {
    uint32_t set = 0;
    set |= click->flags & CLICK_BOT ? SHOP_CAUSE_BIT(CAUSE_BOT) : 0;
    set |= click->flags & CLICK_SECOND_DEVICE ? SHOP_CAUSE_BIT(CAUSE_SECOND_DEVICE) : 0;
    set |= click->flags & CLICK_GUEST ? SHOP_CAUSE_BIT(CAUSE_GUEST) : 0;
    set |= click->type == EVENT_USER_IDENTIFIED ? SHOP_CAUSE_BIT(CAUSE_LOGIN) : 0;
    set |= click->type == EVENT_ORDER_REFUNDED ? SHOP_CAUSE_BIT(CAUSE_REFUND) : 0;
    set |= click->type == EVENT_ORDER_CANCELLED ? SHOP_CAUSE_BIT(CAUSE_CANCEL) : 0;
    return set;
}

static void record_causes(const struct shop_nuisance *nuisance, uint32_t set, int64_t happened_ms,
                          const struct shop_click *click, bool arrives) {
    if (nuisance->causes) {
        shop_causes_write(nuisance->causes, set, happened_ms, click, arrives);
    }
}

static void plan(struct shop_nuisance *nuisance, const struct shop_click *click) {
    struct shop_plan *planned = shop_queue_add(nuisance->queue, click->arrival_ms, PLAN_CLICK);
    shop_click_copy(&planned->click, click);
}

static int64_t clock_error_ms(const struct shop_nuisance *nuisance,
                              const struct shop_click *click) {
    uint64_t device = (click->flags & CLICK_SECOND_DEVICE) != 0;
    struct rng rng = shop_draw(nuisance->seed, (uint64_t)click->user, NUISANCE_CLOCK, device);
    double error_ms = nuisance->world->clock_s * SECOND_MS * rng_normal(&rng);
    if (rng_unit(&rng) < nuisance->world->clock_hour) {
        error_ms += rng_unit(&rng) < 0.5 ? -(double)HOUR_MS : (double)HOUR_MS;
    }
    return (int64_t)error_ms;
}

static void follow_order(struct shop_nuisance *nuisance, const struct shop_click *order) {
    const struct shop_nuisance_world *world = nuisance->world;
    struct rng rng =
        shop_draw(nuisance->seed, shop_click_id(nuisance->seed, order), NUISANCE_ORDER, 0);
    double u = rng_unit(&rng), when = rng_unit(&rng);
    struct shop_click after;
    shop_click_copy(&after, order);
    if (u < world->cancel) {
        after.type = EVENT_ORDER_CANCELLED;
        after.seq = SEQ_CANCELLED;
        after.event_ms += (int64_t)(when * (double)DAY_MS);
        nuisance->counts.cancelled++;
    } else if (u < world->cancel + world->refund) {
        after.type = EVENT_ORDER_REFUNDED;
        after.seq = SEQ_REFUNDED;
        after.event_ms += (int64_t)(rng_lognormal(&rng, REFUND_DAYS, REFUND_S) * (double)DAY_MS);
        nuisance->counts.refunded++;
    } else {
        return;
    }
    shop_nuisance_send(nuisance, &after);
}

/* Holes and nonsense in the fields; one at most. Returns what was done. */
static uint32_t spoil_fields(struct shop_nuisance *nuisance, struct shop_click *click, double u) {
    const struct shop_nuisance_world *world = nuisance->world;
    if (click->line_count == 0) {
        return 0;
    }
    if (u < world->no_brand) {
        click->flags |= CLICK_NO_BRAND;
        nuisance->counts.no_brand++;
        return SHOP_CAUSE_BIT(CAUSE_NO_BRAND);
    }
    if ((u -= world->no_brand) < world->no_price) {
        click->flags |= CLICK_NO_PRICE;
        nuisance->counts.no_price++;
        return SHOP_CAUSE_BIT(CAUSE_NO_PRICE);
    }
    if (u - world->no_price < world->absurd_price) {
        click->flags |= CLICK_ABSURD_PRICE;
        nuisance->counts.absurd_price++;
        return SHOP_CAUSE_BIT(CAUSE_ABSURD_PRICE);
    }
    return 0;
}

/* Sets when it arrives. Returns what was done. */
static uint32_t delay(struct shop_nuisance *nuisance, struct rng *rng, struct shop_click *click) {
    const struct shop_nuisance_world *world = nuisance->world;
    double u = rng_unit(rng);
    click->arrival_ms = click->event_ms;
    if (u < world->late) {
        nuisance->counts.late++;
        click->arrival_ms += (int64_t)rng_exponential(rng, LATE_MEAN_MS);
        return SHOP_CAUSE_BIT(CAUSE_LATE);
    }
    if ((u -= world->late) < world->late_days) {
        nuisance->counts.late_days++;
        click->arrival_ms += (int64_t)((1 + 2 * rng_unit(rng)) * (double)DAY_MS);
        return SHOP_CAUSE_BIT(CAUSE_LATE);
    }
    if (u - world->late_days < world->reordered) {
        nuisance->counts.reordered++;
        click->arrival_ms += (int64_t)(rng_unit(rng) * REORDERED_MS);
        return SHOP_CAUSE_BIT(CAUSE_REORDERED);
    }
    return 0;
}

/* The time that the message bears. Returns what was done. */
static uint32_t misdate(struct shop_nuisance *nuisance, struct rng *rng, bool is_future,
                        struct shop_click *click) {
    int64_t error_ms = clock_error_ms(nuisance, click);
    uint32_t set = error_ms != 0 ? SHOP_CAUSE_BIT(CAUSE_CLOCK_SKEW) : 0;
    nuisance->counts.clock_skewed += error_ms != 0;
    click->event_ms += error_ms;
    if (is_future) {
        click->event_ms += (int64_t)((1 + (FUTURE_DAYS_MAX - 1) * rng_unit(rng)) * (double)DAY_MS);
        nuisance->counts.future++;
        set |= SHOP_CAUSE_BIT(CAUSE_FUTURE);
    }
    return set;
}

static void distort(struct shop_nuisance *nuisance, struct shop_click *click) {
    const struct shop_nuisance_world *world = nuisance->world;
    int64_t happened_ms = click->event_ms;
    uint32_t set = causes_of_kind(click);
    uint64_t id = shop_click_id(nuisance->seed, click);
    struct rng rng = shop_draw(nuisance->seed, id, NUISANCE_EVENT, 0);
    double lost = rng_unit(&rng), fields = rng_unit(&rng), future = rng_unit(&rng);
    double again = rng_unit(&rng), pays_later = rng_unit(&rng);
    nuisance->counts.second_device += (click->flags & CLICK_SECOND_DEVICE) != 0;
    if (lost < world->lost) {
        nuisance->counts.lost++;
        record_causes(nuisance, set | SHOP_CAUSE_BIT(CAUSE_LOST), happened_ms, click, false);
        return;
    }
    if (click->type == EVENT_ORDER_COMPLETED && pays_later < world->async_payment) {
        click->event_ms += (int64_t)(rng_unit(&rng) * ASYNC_MS);
        nuisance->counts.async_payments++;
        set |= SHOP_CAUSE_BIT(CAUSE_ASYNC_PAYMENT);
    }
    set |= spoil_fields(nuisance, click, fields);
    set |= delay(nuisance, &rng, click);
    set |= misdate(nuisance, &rng, future < world->future, click);
    plan(nuisance, click);
    record_causes(nuisance, set, happened_ms, click, true);
    if (again < world->duplicate) {
        click->arrival_ms += (int64_t)(rng_unit(&rng) * DUPLICATE_MS);
        nuisance->counts.duplicated++;
        plan(nuisance, click);
        record_causes(nuisance, SHOP_CAUSE_BIT(CAUSE_DUPLICATE), happened_ms, click, true);
    }
}

void shop_nuisance_send(struct shop_nuisance *nuisance, const struct shop_click *click) {
    struct shop_click sent;
    nuisance->counts.seen++;
    shop_click_copy(&sent, click);
    sent.arrival_ms = sent.event_ms;
    if (!nuisance->is_on) {
        plan(nuisance, &sent);
        return;
    }
    if (click->type == EVENT_ORDER_COMPLETED) {
        follow_order(nuisance, click);
    }
    distort(nuisance, &sent);
}

/* ---- keys ---- */

static void put_on_device(struct shop_click *click, struct shop_identity identity) {
    if (identity.is_on_second_device) {
        click->flags |= CLICK_SECOND_DEVICE;
        click->device = (uint8_t)((click->device + 1) % SHOP_LEVELS);
    }
}

void shop_nuisance_send_later(struct shop_nuisance *nuisance, struct shop_click *click) {
    struct shop_identity identity = shop_nuisance_identity(nuisance, click->user, click->session);
    if (shop_identity_ends_as_guest(identity)) {
        click->flags |= CLICK_GUEST;
    }
    put_on_device(click, identity);
    shop_nuisance_send(nuisance, click);
}

/* The cart of this session so far, after what the user's key holds already. */
static void merge_carts(const struct shop_session *session, size_t until,
                        const struct shop_cart *old_cart, struct shop_click *out) {
    shop_click_set_lines(out, old_cart->lines, old_cart->count);
    for (size_t i = 0; i < until; i++) {
        const struct shop_click *click = &session->clicks[i];
        bool is_old = click->flags & CLICK_OF_OLD_CART;
        if (click->type == EVENT_PRODUCT_ADDED && out->line_count < SHOP_CLICK_LINES_MAX) {
            out->lines[out->line_count++] = click->lines[0];
        } else if (click->type == EVENT_PRODUCT_REMOVED && !is_old && out->line_count > 0) {
            out->line_count--; /* only what was added last is ever removed again */
        }
    }
}

/* Two messages: the guest's key learns who it was, the user's key takes over the cart. Then the
 * user throws out what an earlier session left there, as far as that was to happen before the
 * login. */
static void log_in(struct shop_nuisance *nuisance, const struct shop_session *session, size_t at,
                   const struct shop_cart *old_cart, bool old_cart_is_users) {
    const struct shop_cart nothing = {.count = 0};
    struct shop_click click;
    shop_click_copy(&click, &session->clicks[at - 1]);
    click.event_ms += LOGIN_AFTER_MS;
    click.total_cents = -1;
    click.type = EVENT_USER_IDENTIFIED;
    click.seq = SEQ_LOGIN_GUEST;
    uint8_t device_flag = click.flags & CLICK_SECOND_DEVICE;
    click.flags = device_flag | CLICK_GUEST;
    click.line_count = 0;
    shop_nuisance_send(nuisance, &click);
    click.event_ms++;
    click.seq = SEQ_LOGIN_USER;
    click.flags = device_flag;
    merge_carts(session, at, old_cart_is_users ? old_cart : &nothing, &click);
    shop_nuisance_send(nuisance, &click);
    for (size_t i = 0; old_cart_is_users && i < at; i++) {
        if (session->clicks[i].flags & CLICK_OF_OLD_CART) {
            click.event_ms++;
            click.type = EVENT_PRODUCT_REMOVED;
            click.seq = SEQ_OLD_CART + (uint32_t)i;
            shop_click_set_lines(&click, session->clicks[i].lines, 1);
            shop_nuisance_send(nuisance, &click);
        }
    }
    nuisance->counts.logins++;
}

void shop_nuisance_send_session(struct shop_nuisance *nuisance, struct shop_session *session,
                                const struct shop_cart *old_cart, bool old_cart_is_users) {
    const struct shop_click *first = &session->clicks[0];
    struct shop_identity identity = shop_nuisance_identity(nuisance, first->user, first->session);
    size_t login = session->count; /* clicks before the login */
    if (identity.logs_in && session->count > 1) {
        struct rng rng = shop_draw(nuisance->seed, (uint64_t)first->user, NUISANCE_IDENTITY,
                                   UINT64_C(1) << 32 | first->session);
        login = 1 + (size_t)rng_below(&rng, session->count - 1);
    }
    nuisance->counts.guest_sessions += identity.starts_as_guest;
    for (size_t i = 0; i < session->count; i++) {
        put_on_device(&session->clicks[i], identity);
    }
    for (size_t i = 0; i < session->count; i++) {
        struct shop_click *click = &session->clicks[i];
        if (identity.logs_in && i == login) {
            log_in(nuisance, session, login, old_cart, old_cart_is_users);
        }
        bool is_guest = identity.starts_as_guest && (!identity.logs_in || i < login);
        click->flags |= is_guest ? CLICK_GUEST : 0;
        bool is_void = (click->flags & CLICK_OF_OLD_CART) && (is_guest || !old_cart_is_users);
        if (!is_void) {
            shop_nuisance_send(nuisance, click);
        } else if (nuisance->is_on) {
            record_causes(nuisance, SHOP_CAUSE_BIT(CAUSE_GUEST), click->event_ms, click, false);
        }
    }
    if (identity.logs_in && login == session->count) {
        log_in(nuisance, session, login, old_cart, old_cart_is_users);
    }
}
