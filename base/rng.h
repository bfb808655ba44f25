/* rng: a seeded stream of random numbers, always an argument. The same (seed, stream) gives the
 * same numbers on every run; different streams of one seed are independent. Not for secrets. One
 * thread per struct. Integers and rng_unit repeat on every machine; the others also need the same
 * libm (log, exp, cos). */
#ifndef PROMOSTREAM_BASE_RNG_H
#define PROMOSTREAM_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state[4]; /* xoshiro256**; plain data, a copy continues the same stream */
};

struct rng rng_make(uint64_t seed, uint64_t stream);

uint64_t rng_u64(struct rng *rng);
double rng_unit(struct rng *rng);                    /* [0, 1), 53 bits */
uint64_t rng_below(struct rng *rng, uint64_t bound); /* [0, bound), unbiased; bound > 0 */
double rng_normal(struct rng *rng);                  /* mean 0, standard deviation 1 */
double rng_lognormal(struct rng *rng, double median,
                     double s); /* exp(normal(log median, s)); median > 0, s >= 0 */
double rng_exponential(struct rng *rng, double mean); /* mean > 0 */
/* Failures before the first success, mean (1 - p) / p; 0 < p <= 1. */
uint64_t rng_geometric(struct rng *rng, double p);
uint64_t rng_poisson(struct rng *rng, double mean);            /* mean >= 0, at most 1e9 */
double rng_gamma(struct rng *rng, double shape, double scale); /* mean shape * scale; both > 0 */
/* out[size] >= 0 with sum 1, by Dirichlet(alpha[size]); every alpha > 0, size > 0. */
void rng_dirichlet(struct rng *rng, const double *alpha, double *out, size_t size);

#endif
