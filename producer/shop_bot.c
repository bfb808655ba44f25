#include "producer/shop_bot.h"

#include <math.h>

#include "producer/shop_draw.h"

#define VIEWS_LOW  200.0
#define VIEWS_HIGH 2000.0
#define CART_SHARE 0.02 /* of views: something is added */
#define ADD_MS     50

#define PER_VIEW (UINT64_C(1) << 40) /* keeps the draws of views and of days apart */

/* Views on the day, 0 if the bot is down. */
static double views_of_day(const struct shop_scene *scene, int64_t bot, int day) {
    struct rng rng = shop_draw(scene->seed, (uint64_t)bot, NUISANCE_BOT, (uint64_t)day);
    if (rng_unit(&rng) >= scene->world->nuisance.bot_active) {
        return 0;
    }
    return VIEWS_LOW * pow(VIEWS_HIGH / VIEWS_LOW, rng_unit(&rng));
}

int64_t shop_bot_arrival(const struct shop_scene *scene, int64_t bot, uint32_t seq,
                         int64_t after_ms) {
    struct rng rng = shop_draw(scene->seed, (uint64_t)bot, NUISANCE_BOT, PER_VIEW + seq);
    double at_ms = (double)after_ms;
    while (!shop_calendar_is_over(scene->calendar, (int64_t)at_ms)) {
        int day = shop_calendar_day(scene->calendar, (int64_t)at_ms);
        double day_end_ms = at_ms - fmod(at_ms, (double)DAY_MS) + (double)DAY_MS;
        double views = views_of_day(scene, bot, day);
        if (views > 0) {
            double next_ms = at_ms + rng_exponential(&rng, (double)DAY_MS / views);
            if (next_ms < day_end_ms) {
                return (int64_t)next_ms;
            }
        }
        at_ms = day_end_ms;
    }
    return SHOP_NEVER;
}

void shop_bot_act(const struct shop_scene *scene, struct shop_nuisance *nuisance, int64_t bot,
                  uint32_t seq, int64_t at_ms) {
    int day = shop_calendar_day(scene->calendar, at_ms);
    struct rng rng = shop_draw(scene->seed, (uint64_t)bot, NUISANCE_BOT, 2 * PER_VIEW + seq);
    uint32_t item = (uint32_t)rng_below(&rng, shop_catalogue_items(scene->catalogue, day));
    struct shop_line line = {.item = item,
                             .price_cents = shop_catalogue_price_cents(scene->catalogue, item, day),
                             .quantity = 1};
    struct shop_click click = {.event_ms = at_ms,
                               .user = bot,
                               .session = (uint32_t)day,
                               .seq = 2 * seq,
                               .total_cents = -1,
                               .type = EVENT_PRODUCT_VIEWED,
                               .flags = CLICK_BOT};
    shop_click_set_lines(&click, &line, 1);
    shop_nuisance_send(nuisance, &click);
    nuisance->counts.bot_events++;
    if (rng_unit(&rng) < CART_SHARE) {
        click.event_ms += ADD_MS;
        click.seq++;
        click.type = EVENT_PRODUCT_ADDED;
        shop_nuisance_send(nuisance, &click);
        nuisance->counts.bot_events++;
    }
}
