// What the kernels on registers of sixteen floats share.
#ifndef HAT_WIDE_H
#define HAT_WIDE_H
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))
#define WIDE_INLINE static inline __attribute__((always_inline, target("avx512f")))

WIDE_INLINE __m512 all(float x) { return _mm512_set1_ps(x); }
#endif
