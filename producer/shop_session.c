#include "producer/shop_session.h"

#include <assert.h>
#include <math.h>

#include "producer/shop_draw.h"

#define VIEWS_MAX    48  /* P(more) < 1e-7 */
#define DWELL_MAX_S  290 /* three dwells stay below any idle time in use */
#define QUANTITY_TWO 0.1 /* P(a line holds two pieces) */

int64_t shop_session_arrival(const struct shop_scene *scene, const struct shop_user *user,
                             int64_t index, uint32_t session, int64_t after_ms) {
    double per_day = scene->world->types[user->type].sessions_per_day;
    double highest = shop_calendar_factor_max(scene->calendar, user->place);
    if (per_day * highest <= 0) {
        return SHOP_NEVER;
    }
    struct rng rng = shop_draw(scene->seed, (uint64_t)index, DRAW_ARRIVAL, session);
    double gap_ms = (double)DAY_MS / (per_day * highest);
    double at_ms = (double)after_ms;
    for (;;) {
        at_ms += rng_exponential(&rng, gap_ms);
        double factor = shop_calendar_factor(scene->calendar, user->place, (int64_t)at_ms);
        if (factor > 0 && rng_unit(&rng) * highest < factor) {
            return (int64_t)at_ms;
        }
        if (shop_calendar_is_over(scene->calendar, (int64_t)at_ms)) {
            return SHOP_NEVER;
        }
    }
}

/* ---- one session ---- */

struct maker {
    const struct shop_scene *scene;
    const struct shop_user *user;
    int64_t index;
    uint32_t session;
    int day; /* whose prices hold for the whole session */
    int64_t now_ms;
    struct rng times, views, lines;
    const float *taste; /* cumulative shares of the categories */
    struct shop_session *out;
};

static struct shop_click *say(struct maker *maker, enum event_type type) {
    struct shop_session *out = maker->out;
    assert(out->count < SHOP_SESSION_CLICKS_MAX);
    const struct shop_sessions_world *world = &maker->scene->world->sessions;
    if (out->count > 0) {
        double dwell_s = rng_lognormal(&maker->times, world->dwell_median_s, world->dwell_s);
        dwell_s = dwell_s < 1 ? 1 : dwell_s > DWELL_MAX_S ? DWELL_MAX_S : dwell_s;
        maker->now_ms += (int64_t)(dwell_s * 1000);
    }
    struct shop_click *click = &out->clicks[out->count];
    click->event_ms = maker->now_ms;
    click->arrival_ms = maker->now_ms;
    click->user = maker->index;
    click->session = maker->session;
    click->seq = (uint32_t)out->count;
    click->total_cents = -1;
    click->type = (uint8_t)type;
    click->flags = 0;
    click->place = (uint8_t)maker->user->place;
    click->consent = (uint8_t)maker->user->consent;
    click->device = (uint8_t)maker->user->level[COVARIATE_DEVICE];
    click->line_count = 0;
    click->coupon_size = 0;
    out->count++;
    out->end_ms = maker->now_ms;
    return click;
}

static void say_line(struct maker *maker, enum event_type type, struct shop_line line) {
    struct shop_click *click = say(maker, type);
    shop_click_set_lines(click, &line, 1);
    if (type == EVENT_PRODUCT_ADDED || type == EVENT_PRODUCT_REMOVED) {
        maker->out->cart_ms = click->event_ms;
    }
    if (type == EVENT_PRODUCT_ADDED) {
        maker->out->anchor_seq = click->seq;
    }
}

static int draw_category(struct maker *maker, struct rng *rng) {
    double u = rng_unit(rng);
    int category = 0;
    while (category < maker->scene->world->catalogue.categories - 1 &&
           u >= (double)maker->taste[category]) {
        category++;
    }
    return category;
}

static struct shop_line line_of(struct maker *maker, uint32_t item, int32_t quantity) {
    return (struct shop_line){
        .item = item,
        .price_cents = shop_catalogue_price_cents(maker->scene->catalogue, item, maker->day),
        .quantity = quantity};
}

/* A look at something popular, or a search for its category. */
static void look(struct maker *maker, enum event_type type) {
    int category = draw_category(maker, &maker->views);
    uint32_t item =
        shop_catalogue_popular(maker->scene->catalogue, category, rng_unit(&maker->views));
    say_line(maker, type, line_of(maker, item, 1));
}

/* A line worth about value_cents, by the shopper's taste. */
static struct shop_line draw_line(struct maker *maker, double value_cents) {
    int category = draw_category(maker, &maker->lines);
    int32_t quantity = rng_unit(&maker->lines) < QUANTITY_TWO ? 2 : 1;
    uint32_t item = shop_catalogue_priced(maker->scene->catalogue, category, value_cents / quantity,
                                          rng_unit(&maker->lines));
    return line_of(maker, item, quantity);
}

static struct shop_line *find_item(struct shop_cart *cart, uint32_t item) {
    for (size_t i = 0; i < cart->count; i++) {
        if (cart->lines[i].item == item) {
            return &cart->lines[i];
        }
    }
    return NULL;
}

/* The shopper has a cart value in mind, LogNormal by the world, and shares it out among the lines;
 * each line takes up what the ones before it left over. */
static void draw_cart(struct maker *maker) {
    const struct shop_world *world = maker->scene->world;
    struct shop_cart *cart = &maker->out->cart;
    double value =
        100 * rng_lognormal(&maker->lines, exp(world->catalogue.cart_mu), world->catalogue.cart_s);
    size_t count = 1 + (size_t)rng_geometric(&maker->lines, world->sessions.lines);
    count = count > SHOP_CART_LINES_MAX ? SHOP_CART_LINES_MAX : count;
    for (size_t i = 0; i < count; i++) {
        double share = 1;
        if (i + 1 < count) {
            share = (0.5 + rng_unit(&maker->lines)) / (double)(count - i);
        }
        struct shop_line line = draw_line(maker, value * share);
        double got = (double)line.price_cents * line.quantity;
        value = value - got > 100 ? value - got : 100;
        struct shop_line *same = find_item(cart, line.item);
        if (same) {
            same->quantity += line.quantity;
        } else {
            cart->lines[cart->count++] = line;
        }
    }
}

/* What is viewed last is what goes into the cart, each thing right after its view. */
static void fill_cart(struct maker *maker, const struct shop_past *past, size_t views_left) {
    struct shop_cart *cart = &maker->out->cart;
    for (size_t i = 0; i < past->old_cart.count; i++) {
        say_line(maker, EVENT_PRODUCT_REMOVED, past->old_cart.lines[i]);
        maker->out->clicks[maker->out->count - 1].flags |= CLICK_OF_OLD_CART;
    }
    for (size_t i = 0; i < cart->count; i++) {
        if (i < views_left) {
            say_line(maker, EVENT_PRODUCT_VIEWED, cart->lines[i]);
        }
        say_line(maker, EVENT_PRODUCT_ADDED, cart->lines[i]);
    }
    if (rng_unit(&maker->lines) < maker->scene->world->sessions.removed) {
        double wish = (double)shop_cart_cents(cart) / (double)cart->count;
        struct shop_line regretted = draw_line(maker, wish);
        if (!find_item(cart, regretted.item)) {
            say_line(maker, EVENT_PRODUCT_ADDED, regretted);
            say_line(maker, EVENT_PRODUCT_REMOVED, regretted);
        }
    }
}

static void say_cart(struct maker *maker, enum event_type type) {
    struct shop_click *click = say(maker, type);
    shop_click_set_lines(click, maker->out->cart.lines, maker->out->cart.count);
    click->total_cents = shop_cart_cents(&maker->out->cart);
}

static void go_to_till(struct maker *maker) {
    struct shop_session *out = maker->out;
    say_cart(maker, EVENT_CART_VIEWED);
    if (out->has_checkout) {
        say_cart(maker, EVENT_CHECKOUT_STARTED);
    }
    if (out->is_paid) {
        say_cart(maker, EVENT_ORDER_COMPLETED);
    }
}

void shop_session_make(const struct shop_scene *scene, const struct shop_user *user, int64_t index,
                       uint32_t session, int64_t start_ms, const struct shop_past *past,
                       struct shop_session *out) {
    const struct shop_world *world = scene->world;
    const struct shop_type_world *type = &world->types[user->type];
    uint64_t subject = (uint64_t)index;
    out->count = 0;
    out->cart.count = 0;
    struct maker maker = {.scene = scene,
                          .user = user,
                          .index = index,
                          .session = session,
                          .day = shop_calendar_day(scene->calendar, start_ms),
                          .now_ms = start_ms,
                          .taste = shop_taste_of(scene->tastes, scene->seed, index),
                          .times = shop_draw(scene->seed, subject, DRAW_TIMES, session),
                          .views = shop_draw(scene->seed, subject, DRAW_VIEWS, session),
                          .out = out};
    struct rng funnel = shop_draw(scene->seed, subject, DRAW_FUNNEL, session);
    /* The three uniforms are always drawn: what a world changes in one step leaves the others
     * alone. */
    double cart = rng_unit(&funnel), checkout = rng_unit(&funnel), pay = rng_unit(&funnel);
    out->is_cart_skipped = cart < type->cart && past->skips_cart;
    out->has_cart = cart < type->cart && !past->skips_cart;
    out->has_checkout = out->has_cart && checkout < type->checkout;
    out->is_paid = out->has_checkout && pay < type->pay * past->pay_factor;
    uint64_t views = 1 + rng_geometric(&maker.views, world->sessions.views);
    out->views = views > VIEWS_MAX ? VIEWS_MAX : (size_t)views;
    if (out->has_cart) {
        maker.lines = shop_draw(scene->seed, subject, DRAW_CART, session);
        draw_cart(&maker);
    }
    if (rng_unit(&maker.views) < world->sessions.searched) {
        look(&maker, EVENT_PRODUCTS_SEARCHED);
    }
    size_t of_cart = out->has_cart && out->cart.count < out->views ? out->cart.count
                     : out->has_cart                               ? out->views
                                                                   : 0;
    for (size_t i = of_cart; i < out->views; i++) {
        look(&maker, EVENT_PRODUCT_VIEWED);
    }
    if (out->has_cart) {
        fill_cart(&maker, past, of_cart);
        out->deadline_ms = out->cart_ms + shop_world_idle_ms(world);
        go_to_till(&maker);
    }
}
