// Eight-lane float helpers. Swift scalarises .addingProduct and .squareRoot() on SIMD8<Float>;
// these come in as SIMD8<Float> and compile to one instruction each.
#ifndef HAT_SIMD8_H
#define HAT_SIMD8_H
#include <immintrin.h>

typedef float hat_float8 __attribute__((ext_vector_type(8)));
#define HAT_INLINE static inline __attribute__((always_inline))

/// a·b + c, rounded once.
HAT_INLINE hat_float8 hat_fma(hat_float8 a, hat_float8 b, hat_float8 c) {
  return (hat_float8)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
HAT_INLINE hat_float8 hat_sqrt(hat_float8 a) { return (hat_float8)_mm256_sqrt_ps((__m256)a); }
HAT_INLINE hat_float8 hat_min(hat_float8 a, hat_float8 b) {
  return (hat_float8)_mm256_min_ps((__m256)a, (__m256)b);
}
HAT_INLINE hat_float8 hat_max(hat_float8 a, hat_float8 b) {
  return (hat_float8)_mm256_max_ps((__m256)a, (__m256)b);
}
#endif
