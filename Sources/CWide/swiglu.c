#include "cwide.h"
#include "exponential.h"

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
