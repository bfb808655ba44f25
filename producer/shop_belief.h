/* shop_belief: what the best observer of the clean shop believes of one shopper: P(z | all that the
 * shop could have seen), the exact Bayes filter of SIMULATOR.md. Twelve weights; each observed
 * choice multiplies them by its likelihood.
 *
 * Observed are the four covariates, when sessions come (a Poisson process whose calendar is known),
 * cart, checkout and pay in a session, what became of a cart that was left, and whether a push was
 * dismissed. Views, items, cart values, places, delays and consent say nothing of z: they are drawn
 * independently of it. What became of a cart is seen at its order, or when the next cart is begun,
 * which first throws out the lines of an old one unless that will still be bought. So at every
 * decision all earlier carts are complete (p, or 1 - p): the partial 1 - p F(age) of SIMULATOR.md
 * never arises. The filter follows the shopper, not the key, and sees what nuisance loses: there is
 * nothing to merge.
 *
 * Exact in the world `exact`, with pushes before and after decisions. Elsewhere these are taken as
 * known: the flag of `forward` (skips a cart), and which stock will be there within the 7 d.
 *
 * Pure functions; errors: none. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_BELIEF_H
#define PROMOSTREAM_PRODUCER_SHOP_BELIEF_H

#include "producer/shop_outcome.h"
#include "producer/shop_user.h"

struct shop_belief {
    float weights[SHOP_CLASSES]; /* sum 1, once begun */
    bool is_begun;
    int64_t since_ms; /* from here on the user might have come again */
};

/* In-session choices, as seen. */
struct shop_funnel {
    bool has_cart, has_checkout, is_paid;
    double pay_factor; /* wait-training */
};

/* What reached a cart that was left, and where it stood. After the decision p1 = max(p0, pa) by one
 * uniform: a push adds max(p, pa) - p to p, and the order that it brings comes by the delay's law
 * from the push on. */
#define SHOP_LATE_MAX 4
struct shop_late_push {
    double age_ms; /* since the decision */
    enum shop_arm arm;
};
struct shop_history {
    struct shop_state state;
    enum shop_arm arm; /* at the decision */
    size_t late_count; /* pushes after it, ascending age; further ones are not considered */
    struct shop_late_push late[SHOP_LATE_MAX];
    double in_stock; /* P(stock is there at the order time | it would be bought) */
};

enum shop_sight {
    SIGHT_ORDER, /* it is bought at age_ms */
    SIGHT_KEPT,  /* at age_ms it is known that it will be bought, and has not been */
    SIGHT_NEVER, /* it will not be bought */
};

/* Prior x P(covariates | z). Latent members of user are not read. */
void shop_belief_begin(const struct shop_world *world, const struct shop_user *user,
                       int64_t start_ms, struct shop_belief *out);
/* A session begins, the first one after exposure expected sessions of a user with one a day: type's
 * rate x exp(-rate x exposure). */
void shop_belief_arrival(const struct shop_world *world, double exposure,
                         struct shop_belief *belief);
void shop_belief_funnel(const struct shop_world *world, const struct shop_funnel *seen,
                        struct shop_belief *belief);
void shop_belief_outcome(const struct shop_world *world, const struct shop_history *history,
                         enum shop_sight sight, double age_ms, struct shop_belief *belief);
/* Of a push that was delivered: it was dismissed, or nothing has been heard of it yet although
 * reacted_by of all reactions have come by now. (An opened one says nothing of z.) */
void shop_belief_dismissed(const struct shop_world *world, struct shop_belief *belief);
void shop_belief_silence(const struct shop_world *world, double reacted_by,
                         struct shop_belief *belief);
/* Any other likelihood. Leaves the weights alone if it excludes all that is left. */
void shop_belief_multiply(const double likelihood[SHOP_CLASSES], struct shop_belief *belief);

#endif
