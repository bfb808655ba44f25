#include "producer/shop_catalogue.h"

#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "producer/shop_draw.h"
#include "producer/shop_shelf.h"

#define DAYS_BEYOND   9    /* a late order comes within 7 d of a decision on the last day */
#define OUT           0x80 /* flag of a state; the rest is the per cent off */
#define BACK_PER_DAY  0.25 /* P(an item that is out is refilled | day) */
#define DISCOUNT_DAYS 7
#define PRICE_S       1.0 /* wider than a cart's, so that any wish finds its item */
#define NEAR_PRICE    0.04
#define STOCK_MEAN    40

struct item {
    int category;
    int born_day; /* 0 = there at the start */
    int32_t list_cents;
    double weight; /* popularity in its category */
};

struct shop_catalogue {
    const struct shop_world *world;
    uint64_t seed;
    int days; /* with those beyond */
    uint32_t item_count;
    struct item *items;
    struct shop_item_texts *texts;
    char *text;
    uint8_t *states;            /* [item_count][days] */
    struct shop_shelf *shelves; /* [categories] */
};

/* Inverse of the normal distribution by bisection: it runs once an item. */
static double normal_quantile(double p) {
    double low = -9, high = 9;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / 1.4142135623730951) < p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}

static int32_t list_price(const struct shop_catalogue_world *world, double normal) {
    double cents = 100 * exp(world->cart_mu + PRICE_S * normal);
    return (int32_t)(cents < 50 ? 50 : cents > 1e8 ? 1e8 : cents);
}

static size_t ranks_of(const struct shop_catalogue_world *world, int category) {
    size_t items = (size_t)world->items, categories = (size_t)world->categories;
    return items / categories + ((size_t)category < items % categories);
}

/* Prices are the quantiles of their law in a drawn order: a category covers the whole range
 * whatever the seed, and popularity says nothing about price. Items go round the categories, the
 * more popular first. */
static void make_category(struct shop_catalogue *catalogue, int category) {
    const struct shop_catalogue_world *world = &catalogue->world->catalogue;
    size_t count = ranks_of(world, category);
    struct rng rng = shop_draw(catalogue->seed, (uint64_t)category, DRAW_ITEM, 0);
    size_t *order = memory_new(count, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        size_t j = (size_t)rng_below(&rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (size_t rank = 0; rank < count; rank++) {
        double normal = normal_quantile(((double)order[rank] + 0.5) / (double)count);
        catalogue->items[rank * (size_t)world->categories + (size_t)category] =
            (struct item){.category = category,
                          .list_cents = list_price(world, normal),
                          .weight = pow((double)rank + 1, -world->zipf)};
    }
    free(order);
}

static void make_new_item(struct shop_catalogue *catalogue, uint32_t index) {
    const struct shop_catalogue_world *world = &catalogue->world->catalogue;
    struct rng rng = shop_draw(catalogue->seed, index, DRAW_ITEM, 1);
    int category = (int)rng_below(&rng, (uint64_t)world->categories);
    /* Anywhere from the fifth rank down: some new items are wanted at once. */
    double rank = 5 + (double)rng_below(&rng, ranks_of(world, category));
    catalogue->items[index] = (struct item){
        .category = category,
        .born_day = 1 + (int)((index - (uint64_t)world->items) / (uint64_t)world->new_per_day),
        .list_cents = list_price(world, rng_normal(&rng)),
        .weight = pow(rank, -world->zipf),
    };
}

/* Stock is a two-state chain whose stationary share out is the world's; discounts start at random,
 * for 7 d. */
static void make_days(struct shop_catalogue *catalogue, uint32_t index) {
    const struct shop_catalogue_world *world = &catalogue->world->catalogue;
    uint8_t *states = &catalogue->states[(size_t)index * (size_t)catalogue->days];
    struct rng rng = shop_draw(catalogue->seed, index, DRAW_ITEM_DAY, 0);
    double share = world->out_of_stock;
    double out_per_day = share < 1 ? BACK_PER_DAY * share / (1 - share) : 1;
    bool is_out = rng_unit(&rng) < share;
    int discount_left = 0;
    unsigned percent = 0;
    for (int day = 0; day < catalogue->days; day++) {
        /* All draws of a day are always taken: a world without stock has the same prices. */
        double stock = rng_unit(&rng), change = rng_unit(&rng), depth = rng_unit(&rng);
        if (day > 0) {
            is_out = is_out ? stock >= BACK_PER_DAY : stock < out_per_day;
        }
        if (discount_left > 0) {
            discount_left--;
        } else if (change < world->price_changes) {
            discount_left = DISCOUNT_DAYS - 1;
            percent = 10 + (unsigned)(depth * 21);
        } else {
            percent = 0;
        }
        states[day] = (uint8_t)(percent | (is_out && share > 0 ? OUT : 0));
    }
}

static void make_texts(struct shop_catalogue *catalogue) {
    size_t count = catalogue->item_count;
    int *category = memory_new(count, sizeof *category);
    uint64_t *brand = memory_new(count, sizeof *brand);
    for (size_t i = 0; i < count; i++) {
        category[i] = catalogue->items[i].category;
        brand[i] = shop_draw_id(catalogue->seed, i, DRAW_ITEM, 2);
    }
    catalogue->texts =
        shop_item_texts_new(count, category, brand, (size_t)catalogue->world->catalogue.categories,
                            (size_t)catalogue->world->catalogue.brands, &catalogue->text);
    free(category);
    free(brand);
}

struct shop_catalogue *shop_catalogue_new(const struct shop_world *world, uint64_t seed, int days) {
    struct shop_catalogue *catalogue = memory_new(1, sizeof *catalogue);
    const struct shop_catalogue_world *sizes = &world->catalogue;
    catalogue->world = world;
    catalogue->seed = seed;
    catalogue->days = days + DAYS_BEYOND;
    catalogue->item_count = (uint32_t)(sizes->items + sizes->new_per_day * (days - 1));
    catalogue->items = memory_new(catalogue->item_count, sizeof *catalogue->items);
    catalogue->states = memory_new(catalogue->item_count, (size_t)catalogue->days);
    catalogue->shelves = memory_new((size_t)sizes->categories, sizeof *catalogue->shelves);
    for (int category = 0; category < sizes->categories; category++) {
        make_category(catalogue, category);
    }
    for (uint32_t i = (uint32_t)sizes->items; i < catalogue->item_count; i++) {
        make_new_item(catalogue, i);
    }
    for (uint32_t i = 0; i < catalogue->item_count; i++) {
        make_days(catalogue, i);
    }
    make_texts(catalogue);
    shop_catalogue_open_day(catalogue, 0);
    return catalogue;
}

void shop_catalogue_destroy(struct shop_catalogue *catalogue) {
    if (!catalogue) {
        return;
    }
    for (int64_t i = 0; i < catalogue->world->catalogue.categories; i++) {
        shop_shelf_clean_up(&catalogue->shelves[i]);
    }
    free(catalogue->shelves);
    free(catalogue->states);
    free(catalogue->texts);
    free(catalogue->text);
    free(catalogue->items);
    free(catalogue);
}

static uint8_t state_of(const struct shop_catalogue *catalogue, uint32_t item, int day) {
    int known = day < catalogue->days ? day : catalogue->days - 1;
    return catalogue->states[(size_t)item * (size_t)catalogue->days + (size_t)known];
}

void shop_catalogue_open_day(struct shop_catalogue *catalogue, int day) {
    int64_t categories = catalogue->world->catalogue.categories;
    for (int64_t i = 0; i < categories; i++) {
        shop_shelf_clear(&catalogue->shelves[i]);
    }
    uint32_t count = shop_catalogue_items(catalogue, day);
    for (uint32_t i = 0; i < count; i++) {
        const struct item *item = &catalogue->items[i];
        shop_shelf_add(&catalogue->shelves[item->category], i,
                       shop_catalogue_price_cents(catalogue, i, day), item->weight,
                       shop_catalogue_has_stock(catalogue, i, day));
    }
    for (int64_t i = 0; i < categories; i++) {
        shop_shelf_close(&catalogue->shelves[i]);
    }
}

uint32_t shop_catalogue_popular(const struct shop_catalogue *catalogue, int category, double u) {
    return shop_shelf_popular(&catalogue->shelves[category], u);
}

uint32_t shop_catalogue_priced(const struct shop_catalogue *catalogue, int category,
                               double price_cents, double u) {
    return shop_shelf_priced(&catalogue->shelves[category], price_cents, NEAR_PRICE, u);
}

uint32_t shop_catalogue_items(const struct shop_catalogue *catalogue, int day) {
    const struct shop_catalogue_world *world = &catalogue->world->catalogue;
    int64_t count = world->items + world->new_per_day * (day > 0 ? day : 0);
    return count < catalogue->item_count ? (uint32_t)count : catalogue->item_count;
}

bool shop_catalogue_has_stock(const struct shop_catalogue *catalogue, uint32_t item, int day) {
    return !(state_of(catalogue, item, day) & OUT);
}

int32_t shop_catalogue_price_cents(const struct shop_catalogue *catalogue, uint32_t item, int day) {
    int64_t list = catalogue->items[item].list_cents;
    int percent = state_of(catalogue, item, day) & ~OUT;
    return (int32_t)(list * (100 - percent) / 100);
}

bool shop_catalogue_is_changed(const struct shop_catalogue *catalogue, uint32_t item, int day) {
    if (day <= 0 || catalogue->items[item].born_day == day) {
        return true;
    }
    return state_of(catalogue, item, day) != state_of(catalogue, item, day - 1);
}

const struct shop_item_texts *shop_catalogue_texts(const struct shop_catalogue *catalogue,
                                                   uint32_t item) {
    return &catalogue->texts[item];
}

void shop_catalogue_row(const struct shop_catalogue *catalogue, uint32_t item, int day,
                        struct catalogue_item_row *out) {
    const struct shop_item_texts *texts = &catalogue->texts[item];
    struct rng rng = shop_draw(catalogue->seed, item, DRAW_ITEM_DAY, 1 + (uint64_t)day);
    bool has_stock = shop_catalogue_has_stock(catalogue, item, day);
    *out = (struct catalogue_item_row){
        .item_id = texts->id,
        .name = texts->name,
        .category = texts->category,
        .brand = texts->brand,
        .image = texts->image,
        .url = texts->url,
        .price = (double)shop_catalogue_price_cents(catalogue, item, day) / 100,
        .margin = catalogue->world->value.margin,
        .stock = has_stock ? 1 + (int64_t)rng_poisson(&rng, STOCK_MEAN) : 0,
    };
}
