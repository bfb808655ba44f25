#include "producer/shop_world.h"

#include <string.h>

const char *const shop_type_names[] = {"sure", "persuadable", "lost", "disturb", NULL};
const char *const shop_sensitivity_names[] = {"low", "mid", "high", NULL};
const char *const shop_arm_names[] = {"none", "remind", "ship", "10%", "20%", NULL};

#define NO_EFFECT "{remind: 0, ship: 0, percent_10: 0, percent_20: 0}"

const struct shop_world_name shop_worlds[] = {
    {"base", "four types of shoppers, drift, fatigue, stock and returns"},
    {"null", "no offer moves anybody"},
    {"persuade", "everybody is persuadable"},
    {"interact", "10 % works on carts above 100 EUR only"},
    {"drift", "everybody buys a little more each month"},
    {"shock", "at half-time buying drops and coupons lose half of their effect"},
    {"forward", "some coupon buyers only bought earlier"},
    {"wait", "coupons teach shoppers to wait for coupons"},
    {"dirty", "base with everything that goes wrong between a shop and its topic"},
    {"exact", "independent episodes: the myopic Bayes rule is optimal"},
    {NULL, NULL},
};

/* A built-in world is what its file would say, in the order of shop_worlds. */
static const char *const world_texts[] = {
    "",
    "types:\n  sure: " NO_EFFECT "\n  persuadable: " NO_EFFECT "\n  lost: " NO_EFFECT
    "\n  disturb: " NO_EFFECT "\n",
    "types: {sure: {share: 0}, persuadable: {share: 1}, lost: {share: 0}, disturb: {share: 0}}\n",
    "types: {sure: {percent_10: 0}, persuadable: {percent_10: 0}, lost: {percent_10: 0}, "
    "disturb: {percent_10: 0}}\noutcome: {interaction: 0.8}\n",
    "drift: {slow: 0.1}\n",
    "drift: {jump: -0.4, jump_coupon: 0.5}\n",
    "outcome: {pull_forward: 0.3}\n",
    "outcome: {wait_training: 0.2}\n",
    "nuisance: {enabled: true}\n",
    "outcome: {fatigue: 0, coupon_wear: 1}\nvalue: {returns: 0, returns_20: 0}\n"
    "catalogue: {out_of_stock: 0}\nconsent: {granted: 1, denied: 0}\n",
};
_Static_assert(sizeof shop_worlds / sizeof shop_worlds[0] ==
                   sizeof world_texts / sizeof world_texts[0] + 1,
               "every world has its text");

static const char *builtin_text(const char *name) {
    for (size_t i = 0; shop_worlds[i].name; i++) {
        if (strcmp(shop_worlds[i].name, name) == 0) {
            return world_texts[i];
        }
    }
    return NULL;
}

static bool is_path(const char *name) {
    size_t size = strlen(name);
    return strchr(name, '/') || (size > 5 && strcmp(name + size - 5, ".yaml") == 0) ||
           (size > 4 && strcmp(name + size - 4, ".yml") == 0);
}

/* The last level of a covariate is what the file leaves of 1. */
static bool complete_covariates(struct shop_type_world *type) {
    for (int i = 0; i < SHOP_COVARIATES; i++) {
        double *level = type->covariate[i];
        level[2] = 1 - level[0] - level[1];
        if (level[2] < -1e-9) {
            return false;
        }
        level[2] = level[2] < 0 ? 0 : level[2];
    }
    return true;
}

static bool is_one(double sum) {
    return sum > 1 - 1e-6 && sum < 1 + 1e-6;
}

static struct failure check(struct shop_world *world, const char *name) {
    double types = 0, sensitivities = 0;
    for (int i = 0; i < SHOP_TYPES; i++) {
        types += world->types[i].share;
        if (!complete_covariates(&world->types[i])) {
            return failure_make(FAILURE_STOP, 0, "%s: types: %s: levels 1 and 2 exceed 1", name,
                                shop_type_names[i]);
        }
    }
    for (int i = 0; i < SHOP_SENSITIVITIES; i++) {
        sensitivities += world->sensitivities[i].share;
    }
    if (!is_one(types)) {
        return failure_make(FAILURE_STOP, 0, "%s: types: shares sum to %g, expected 1", name,
                            types);
    }
    if (!is_one(sensitivities)) {
        return failure_make(FAILURE_STOP, 0, "%s: sensitivities: shares sum to %g, expected 1",
                            name, sensitivities);
    }
    if (world->consent.granted + world->consent.denied > 1 + 1e-9) {
        return failure_make(FAILURE_STOP, 0, "%s: consent: shares exceed 1", name);
    }
    if (world->feedback.opened + world->feedback.dismissed > 1 ||
        world->feedback.opened + world->feedback.dismissed_disturb > 1) {
        return failure_make(FAILURE_STOP, 0, "%s: feedback: opened and dismissed exceed 1", name);
    }
    return failure_none();
}

struct failure shop_world_load(const char *name, FILE *errors, struct shop_world *out) {
    struct config_room rooms[SHOP_WORLD_ROOMS];
    struct config *config = NULL;
    memset(out, 0, sizeof *out);
    shop_world_rooms(out, rooms);
    const char *text = builtin_text(name);
    struct failure failure;
    if (text) {
        failure =
            config_load_text(name, text, strlen(text), rooms, SHOP_WORLD_ROOMS, errors, &config);
    } else if (is_path(name)) {
        failure = config_load_file(name, rooms, SHOP_WORLD_ROOMS, errors, &config);
    } else {
        return failure_make(FAILURE_STOP, 0,
                            "world: found %s, expected a built-in world or a .yaml file", name);
    }
    if (!failed(failure)) {
        config_destroy(config); /* numbers only: nothing in *out points into it */
        failure = check(out, name);
    }
    return failure;
}

void shop_world_write_defaults(FILE *out) {
    struct shop_world world;
    struct config_room rooms[SHOP_WORLD_ROOMS];
    shop_world_rooms(&world, rooms);
    config_write_defaults(rooms, SHOP_WORLD_ROOMS, out);
}
