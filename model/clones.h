/* clones: kernels whose steps are elementwise are compiled for wider vectors too, and the loader
 * takes the widest that the CPU has. Elementwise means: no sum over lanes, so that all have the
 * same bits (-ffp-contract=off). */
#ifndef PROMOSTREAM_MODEL_CLONES_H
#define PROMOSTREAM_MODEL_CLONES_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) &&             \
    !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define MODEL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MODEL_CLONES
#endif

#endif
