#include "cwide.h"
#include "wide.h"

// Two rows lie side by side in a register, eight floats of each: every sum is then that of HATKernels' SmallProduct, in the
// same order.

/// The eight floats at p, twice.
WIDE_INLINE __m512 twice(const float *p) {
  return _mm512_castpd_ps(_mm512_broadcast_f64x4(_mm256_castps_pd(_mm256_loadu_ps(p))));
}

/// The eight floats at p, then those at q.
WIDE_INLINE __m512 both(const float *p, const float *q) {
  const __m512d low = _mm512_castpd256_pd512(_mm256_castps_pd(_mm256_loadu_ps(p)));
  return _mm512_castpd_ps(_mm512_insertf64x4(low, _mm256_castps_pd(_mm256_loadu_ps(q)), 1));
}

/// In each quarter: a0 + a1, a2 + a3, b0 + b1, b2 + b3.
WIDE_INLINE __m512 pair_sums(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
}

/// The products of two rows with four rows: in the first quarter one half of the four sums of a0, in the second the other
/// half, in the third and fourth those of a1.
WIDE_INLINE __m512 half_sums(const float *a0, const float *a1, const float *const *b, long width) {
  __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
  for (long i = 0; i < width; i += 8) {
    const __m512 a = both(a0 + i, a1 + i);
    s0 = _mm512_fmadd_ps(a, twice(b[0] + i), s0);
    s1 = _mm512_fmadd_ps(a, twice(b[1] + i), s1);
    s2 = _mm512_fmadd_ps(a, twice(b[2] + i), s2);
    s3 = _mm512_fmadd_ps(a, twice(b[3] + i), s3);
  }
  return pair_sums(pair_sums(s0, s1), pair_sums(s2, s3));
}

WIDE void hat_wide_dots(
    const float *a, long a_stride, long a_rows, const float *b, long b_stride, long b_rows, long width,
    bool from_row, float *c, long c_stride) {
  for (long row = 0; row < a_rows; row += 2) {
    const long second = row + 1 < a_rows ? row + 1 : row;
    for (long column = from_row ? row & ~7L : 0; column < b_rows; column += 8) {
      const float *rows[8];
      for (long k = 0; k < 8; k++) rows[k] = b + (column + k < b_rows ? column + k : b_rows - 1) * b_stride;
      const float *a0 = a + row * a_stride, *a1 = a + second * a_stride;
      __m512 low = _mm512_setzero_ps(), high = low;
      if (!from_row || row < column + 4) low = half_sums(a0, a1, rows, width);
      if (column + 4 < b_rows) high = half_sums(a0, a1, rows + 4, width);
      const __m512 sums =
          _mm512_add_ps(_mm512_shuffle_f32x4(low, high, 0x88), _mm512_shuffle_f32x4(low, high, 0xDD));
      // They come as a0 · low, a1 · low, a0 · high, a1 · high.
      const __m512d ordered = _mm512_castps_pd(_mm512_shuffle_f32x4(sums, sums, 0xD8));
      _mm256_storeu_ps(c + row * c_stride + column, _mm256_castpd_ps(_mm512_castpd512_pd256(ordered)));
      _mm256_storeu_ps(
          c + second * c_stride + column, _mm256_castpd_ps(_mm512_extractf64x4_pd(ordered, 1)));
    }
  }
}
