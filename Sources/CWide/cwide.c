#include "cwide.h"
#include "wide.h"

bool hat_wide_available(void) { return __builtin_cpu_supports("avx512f"); }

/// e^x, as HATKernels' Exponential computes and explains it.
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

WIDE_INLINE __m512 sigmoid(__m512 x) {
  return _mm512_div_ps(all(1), _mm512_add_ps(all(1), exponential(_mm512_sub_ps(all(0), x))));
}

WIDE void hat_wide_swiglu(const float *gate, const float *up, float *hidden, long count) {
  for (long i = 0; i < count; i += 16) {
    const __m512 g = _mm512_loadu_ps(gate + i);
    const __m512 silu = _mm512_mul_ps(g, sigmoid(g));
    _mm512_storeu_ps(hidden + i, _mm512_mul_ps(silu, _mm512_loadu_ps(up + i)));
  }
}

WIDE void hat_wide_swiglu_backward(
    const float *gate, const float *up, const float *hidden_gradient, float *gate_gradient, float *up_gradient,
    float *hidden, long count) {
  for (long i = 0; i < count; i += 16) {
    const __m512 g = _mm512_loadu_ps(gate + i), u = _mm512_loadu_ps(up + i);
    const __m512 dh = _mm512_loadu_ps(hidden_gradient + i);
    const __m512 s = sigmoid(g);
    const __m512 silu = _mm512_mul_ps(g, s);
    const __m512 slope = _mm512_fmadd_ps(silu, _mm512_sub_ps(all(1), s), s);
    _mm512_storeu_ps(gate_gradient + i, _mm512_mul_ps(_mm512_mul_ps(dh, u), slope));
    _mm512_storeu_ps(up_gradient + i, _mm512_mul_ps(dh, silu));
    if (hidden) _mm512_storeu_ps(hidden + i, _mm512_mul_ps(silu, u));
  }
}

WIDE void hat_wide_exponentials(float *values, long count, float scale, float shift, float *sums) {
  __m256 sum = _mm256_loadu_ps(sums);
  for (long i = 0; i < count; i += 16) {
    const __m512 power = exponential(_mm512_fmadd_ps(_mm512_loadu_ps(values + i), all(scale), all(shift)));
    _mm512_storeu_ps(values + i, power);
    const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(power), 1));
    sum = _mm256_add_ps(_mm256_add_ps(sum, _mm512_castps512_ps256(power)), high);
  }
  _mm256_storeu_ps(sums, sum);
}

WIDE void hat_wide_softmax_backward(
    float *values, float *gradients, long count, float scale, float shift, float delta) {
  for (long i = 0; i < count; i += 16) {
    const __m512 p = exponential(_mm512_fmadd_ps(_mm512_loadu_ps(values + i), all(scale), all(shift)));
    const __m512 difference = _mm512_sub_ps(_mm512_loadu_ps(gradients + i), all(delta));
    _mm512_storeu_ps(values + i, p);
    _mm512_storeu_ps(gradients + i, _mm512_mul_ps(_mm512_mul_ps(difference, p), all(scale)));
  }
}
