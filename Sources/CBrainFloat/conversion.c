// What VDPBF16PS does, by fused multiply-adds: products of two bfloat16 are exact, and only sums are rounded.
#include "ways.h"
#include <immintrin.h>
#include <string.h>

#define NARROW __attribute__((target("avx2,fma")))
#define NARROW_INLINE static inline __attribute__((always_inline, target("avx2,fma")))

/// To nearest, ties to even; denormals become zero and NaNs stay NaNs.
static inline uint32_t rounded(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t exponent = bits & 0x7f800000;
  if (exponent == 0) return bits >> 31 << 15;
  if (exponent == 0x7f800000 && (bits & 0x7fffff)) return bits >> 16 | 0x40;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

static inline uint32_t pair_of_row(const float *terms, long left) {
  return rounded(terms[0]) | (left > 1 ? rounded(terms[1]) << 16 : 0);
}

void hat_pairs_converted_pack_rows(const float *source, long stride, long lines, long terms, uint32_t *packed) {
  for (long line = 0; line < lines; line++, source += stride)
    for (long term = 0; term < terms; term += 2) *packed++ = pair_of_row(source + term, terms - term);
}

void hat_pairs_converted_pack_transposed(const float *source, long stride, long lines, long terms, uint32_t *panel) {
  const long width = round_up(lines, 16);
  for (long term = 0; term < terms; term += 2)
    for (long line = 0; line < width; line++)
      *panel++ = line < lines ? pair_of_row(source + line * stride + term, terms - term) : 0;
}

void hat_pairs_converted_pack_columns(
    const float *source, long stride, long lines, long terms, long panel_lines, uint32_t *panels) {
  for (long start = 0; start < lines; start += panel_lines) {
    const long width = smaller(panel_lines, round_up(lines - start, 16));
    for (long term = 0; term < terms; term += 2) {
      const float *first = source + term * stride + start, *second = first + stride;
      for (long i = 0; i < width; i++) {
        const bool is_present = start + i < lines;
        *panels++ = is_present ? rounded(first[i]) | (term + 1 < terms ? rounded(second[i]) << 16 : 0) : 0;
      }
    }
  }
}

NARROW_INLINE __m256 upper(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32((int)0xffff0000)));
}
NARROW_INLINE __m256 lower(__m256i pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }

/// Sixteen columns of a row of c.
NARROW_INLINE void multiply_row(
    const uint32_t *left, long pair_stride, long pairs, const uint32_t *panel, long width, float sums[16]) {
  __m256 low = _mm256_loadu_ps(sums), high = _mm256_loadu_ps(sums + 8);
  for (long pair = 0; pair < pairs; pair++) {
    const __m256i both = _mm256_set1_epi32((int)left[pair * pair_stride]);
    const __m256i first = _mm256_loadu_si256((const __m256i *)(panel + pair * width));
    const __m256i second = _mm256_loadu_si256((const __m256i *)(panel + pair * width + 8));
    low = _mm256_fmadd_ps(upper(both), upper(first), low);
    high = _mm256_fmadd_ps(upper(both), upper(second), high);
    low = _mm256_fmadd_ps(lower(both), lower(first), low);
    high = _mm256_fmadd_ps(lower(both), lower(second), high);
  }
  _mm256_storeu_ps(sums, low);
  _mm256_storeu_ps(sums + 8, high);
}

NARROW void hat_pairs_converted_multiply(
    const uint32_t *left, long row_stride, long pair_stride, long rows, long pairs, const uint32_t *panel,
    long columns, float *c, long stride, bool adding) {
  const unsigned before = _mm_getcsr(), denormals_are_zero = 0x8040;
  _mm_setcsr(before | denormals_are_zero);
  const long width = round_up(columns, 16);
  for (long row = 0; row < rows; row++, left += row_stride, c += stride) {
    for (long column = 0; column < columns; column += 16) {
      const size_t bytes = sizeof(float) * smaller(16, columns - column);
      float sums[16] = {0};
      if (adding) memcpy(sums, c + column, bytes);
      multiply_row(left, pair_stride, pairs, panel + column, width, sums);
      memcpy(c + column, sums, bytes);
    }
  }
  _mm_setcsr(before);
}
