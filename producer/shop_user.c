#include "producer/shop_user.h"

#include "producer/shop_calendar.h"
#include "producer/shop_draw.h"

double shop_user_level_p(const struct shop_world *world, int type, int sensitivity, int covariate,
                         int level) {
    const double *p = world->types[type].covariate[covariate];
    if (covariate != COVARIATE_COUPON) {
        return p[level];
    }
    const double *tilt = world->sensitivities[sensitivity].coupon_tilt;
    double sum = 0;
    for (int i = 0; i < SHOP_LEVELS; i++) {
        sum += p[i] * tilt[i];
    }
    return sum > 0 ? p[level] * tilt[level] / sum : p[level];
}

static enum consent draw_consent(const struct shop_consent_world *consent, double u) {
    if (u < consent->granted) {
        return CONSENT_GRANTED;
    }
    return u < consent->granted + consent->denied ? CONSENT_DENIED : CONSENT_UNKNOWN;
}

static void draw_latent(const struct shop_world *world, uint64_t seed, int64_t index,
                        struct shop_user *out) {
    double types[SHOP_TYPES], sensitivities[SHOP_SENSITIVITIES];
    for (int i = 0; i < SHOP_TYPES; i++) {
        types[i] = world->types[i].share;
    }
    for (int i = 0; i < SHOP_SENSITIVITIES; i++) {
        sensitivities[i] = world->sensitivities[i].share;
    }
    uint64_t user = (uint64_t)index;
    out->type = shop_draw_cell(shop_draw_unit(seed, user, DRAW_LATENT, 0), types, SHOP_TYPES);
    out->sensitivity = shop_draw_cell(shop_draw_unit(seed, user, DRAW_LATENT, 1), sensitivities,
                                      SHOP_SENSITIVITIES);
}

void shop_user_make(const struct shop_world *world, uint64_t seed, int64_t index,
                    struct shop_user *out) {
    uint64_t user = (uint64_t)index;
    draw_latent(world, seed, index, out);
    for (int i = 0; i < SHOP_COVARIATES; i++) {
        double p[SHOP_LEVELS];
        for (int level = 0; level < SHOP_LEVELS; level++) {
            p[level] = shop_user_level_p(world, out->type, out->sensitivity, i, level);
        }
        double u = shop_draw_unit(seed, user, DRAW_COVARIATES, (uint64_t)i);
        out->level[i] = shop_draw_cell(u, p, SHOP_LEVELS);
    }
    double shares[SHOP_PLACES];
    for (int i = 0; i < SHOP_PLACES; i++) {
        shares[i] = shop_places[i].share;
    }
    out->place = shop_draw_cell(shop_draw_unit(seed, user, DRAW_PLACE, 0), shares, SHOP_PLACES);
    out->consent = draw_consent(&world->consent, shop_draw_unit(seed, user, DRAW_CONSENT, 0));
}

static const char *const age_bands[SHOP_LEVELS] = {"18-29", "30-49", "50+"};
static const char *const genders[SHOP_LEVELS] = {"female", "male", "other"};
static const char *const regions[SHOP_LEVELS] = {"north", "centre", "south"};
const char *const shop_device_names[SHOP_LEVELS] = {"desktop", "mobile", "tablet"};
const char *const shop_device_agents[SHOP_LEVELS] = {
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0",
    "Mozilla/5.0 (Linux; Android 14; Mobile) Chrome/126.0",
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) Safari/604.1",
};

void shop_user_profile(const struct shop_user *user, int64_t index, char id[SHOP_KEY_BYTES],
                       struct profile_row *out) {
    const struct shop_place *place = &shop_places[user->place];
    *out = (struct profile_row){
        .user_id = bytes_of(id, shop_user_key(index, id)),
        .age_band = bytes_of_text(age_bands[user->level[COVARIATE_RFM]]),
        .gender = bytes_of_text(genders[user->level[COVARIATE_COUPON]]),
        .region = bytes_of_text(regions[user->level[COVARIATE_DISMISS]]),
        .timezone = bytes_of_text(place->zone),
        .locale = bytes_of_text(place->locale),
        .channel = bytes_of_text(user->level[COVARIATE_DEVICE] == 0 ? "email" : "push"),
        .consent = (int)user->consent,
    };
}

size_t shop_user_key(int64_t index, char out[SHOP_KEY_BYTES]) {
    char digits[20];
    size_t count = 0;
    uint64_t rest = (uint64_t)index;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0 || count < 7);
    out[0] = 'u';
    for (size_t i = 0; i < count; i++) {
        out[1 + i] = digits[count - 1 - i];
    }
    out[1 + count] = '\0';
    return 1 + count;
}

/* A guest's key is a permutation of (user, session): xor-shifts and odd multiplications, each of
 * which can be undone. It hides the user from a learner and needs no table. */
#define GUEST_FACTOR         UINT64_C(0x9e3779b97f4a7c15)
#define GUEST_FACTOR_INVERSE UINT64_C(0xf1de83e19937733d)

static uint64_t guest_mix(uint64_t x, uint64_t seed) {
    x ^= hash_combine(seed, NUISANCE_IDENTITY);
    for (int i = 0; i < 2; i++) {
        x ^= x >> 32;
        x *= GUEST_FACTOR;
    }
    return x ^ x >> 32;
}

static uint64_t guest_unmix(uint64_t x, uint64_t seed) {
    x ^= x >> 32;
    for (int i = 0; i < 2; i++) {
        x *= GUEST_FACTOR_INVERSE;
        x ^= x >> 32;
    }
    return x ^ hash_combine(seed, NUISANCE_IDENTITY);
}

size_t shop_guest_key(uint64_t seed, int64_t index, uint32_t session, char out[SHOP_KEY_BYTES]) {
    uint64_t word = guest_mix((uint64_t)index << 32 | session, seed);
    out[0] = 'g';
    for (int i = 0; i < 16; i++) {
        out[1 + i] = "0123456789abcdef"[word >> (60 - 4 * i) & 15];
    }
    out[17] = '\0';
    return 17;
}

static int64_t guest_user(uint64_t seed, struct bytes digits) {
    uint64_t word = 0;
    for (size_t i = 0; i < digits.size; i++) {
        const char *hex = "0123456789abcdef";
        const char *found = digits.data[i] ? strchr(hex, digits.data[i]) : NULL;
        if (!found) {
            return -1;
        }
        word = word << 4 | (uint64_t)(found - hex);
    }
    return (int64_t)(guest_unmix(word, seed) >> 32);
}

int64_t shop_key_user(uint64_t seed, struct bytes key) {
    if (key.size == 17 && key.data[0] == 'g') {
        return guest_user(seed, bytes_of(key.data + 1, 16));
    }
    if (key.size < 8 || key.size > 11 || key.data[0] != 'u') {
        return -1;
    }
    int64_t index = 0;
    for (size_t i = 1; i < key.size; i++) {
        if (key.data[i] < '0' || key.data[i] > '9') {
            return -1;
        }
        index = index * 10 + (key.data[i] - '0');
    }
    return index;
}
