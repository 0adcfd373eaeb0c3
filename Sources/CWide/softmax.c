#include "cwide.h"
#include "exponential.h"

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
