/* shop_user: who a shopper is: the latent class (truth only), what the shop may know (covariates,
 * place, consent), and the keys under which the events stand. All of it is a pure function of
 * (world, seed, index): nothing is stored. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_USER_H
#define PROMOSTREAM_PRODUCER_SHOP_USER_H

#include "producer/shop_world.h"

#define SHOP_KEY_BYTES 24 /* any key of ours, NUL included */

struct shop_user {
    int type, sensitivity; /* latent */
    int level[SHOP_COVARIATES];
    int place; /* index of shop_places */
    enum consent consent;
};

void shop_user_make(const struct shop_world *world, uint64_t seed, int64_t index,
                    struct shop_user *out);
static inline int shop_user_z(const struct shop_user *user) {
    return user->type * SHOP_SENSITIVITIES + user->sensitivity;
}

/* P(level of covariate | type, sensitivity). */
double shop_user_level_p(const struct shop_world *world, int type, int sensitivity, int covariate,
                         int level);

/* What profiles says of the user. The covariates that no event shows stand in the attributes that a
 * shop's customer file has: age_band carries the RFM tier, gender the coupon tier, region the
 * dismissal tier; the device is in the events. Texts are constants but for user_id, which is
 * written to id. */
void shop_user_profile(const struct shop_user *user, int64_t index, char id[SHOP_KEY_BYTES],
                       struct profile_row *out);
/* By level of COVARIATE_DEVICE. */
extern const char *const shop_device_names[SHOP_LEVELS];
extern const char *const shop_device_agents[SHOP_LEVELS];

/* Keys: "u0000042", and for a guest "g" + 16 hex digits that only the shop can turn back into
 * (user, session). Return the size without the NUL. */
size_t shop_user_key(int64_t index, char out[SHOP_KEY_BYTES]);
size_t shop_guest_key(uint64_t seed, int64_t index, uint32_t session, char out[SHOP_KEY_BYTES]);
/* The user behind a key, -1 if it is none of ours. */
int64_t shop_key_user(uint64_t seed, struct bytes key);

#endif
