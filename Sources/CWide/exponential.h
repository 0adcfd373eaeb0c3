#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))
#define WIDE_INLINE static inline __attribute__((always_inline, target("avx512f")))

WIDE_INLINE __m512 all(float x) { return _mm512_set1_ps(x); }

/// e^x: Exponential of HATKernels, which says how.
WIDE_INLINE __m512 exponential(__m512 x) {
  const __m512 clamped = _mm512_min_ps(all(88.37f), x);
  const __m512 shifter = all(12582912);
  const __m512 shifted = _mm512_fmadd_ps(clamped, all(1.44269504f), shifter);
  const __m512 n = _mm512_sub_ps(shifted, shifter);
  const __m512 r = _mm512_fmadd_ps(n, all(2.1219444e-4f), _mm512_fmadd_ps(n, all(-0.693359375f), clamped));

  const __m512 square = _mm512_mul_ps(r, r);
  const __m512 high = _mm512_fmadd_ps(all(1.98756915e-4f), r, all(1.3981999507e-3f));
  const __m512 middle = _mm512_fmadd_ps(all(8.3334519073e-3f), r, all(4.1665795894e-2f));
  const __m512 low = _mm512_fmadd_ps(all(1.6666665459e-1f), r, all(5.0000001201e-1f));
  const __m512 polynomial = _mm512_fmadd_ps(_mm512_fmadd_ps(high, square, middle), square, low);
  const __m512 fraction = _mm512_add_ps(_mm512_fmadd_ps(polynomial, square, r), all(1));

  const __m512i exponent =
      _mm512_slli_epi32(_mm512_add_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(127)), 23);
  const __mmask16 is_below = _mm512_cmp_ps_mask(x, all(-87.33f), _CMP_LT_OQ);
  return _mm512_maskz_mul_ps(_mm512_knot(is_below), fraction, _mm512_castsi512_ps(exponent));
}
