#include "ways.h"
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bf16")))
#define WIDE_INLINE static inline __attribute__((always_inline, target("avx512f,avx512bf16")))

/// A block of c: so many rows, and registers of sixteen columns, of which `last` masks the last. Twenty-four sums hide the
/// instruction's latency, and leave registers for a row of the panel.
WIDE_INLINE void multiply_block(
    const uint32_t *left, long row_stride, long pair_stride, long pairs, const uint32_t *panel, float *c,
    long stride, bool adding, const int rows, const int registers, const __mmask16 last) {
  const long width = 16 * registers;
  __m512 sums[6][4];
  for (int row = 0; row < rows; row++)
    for (int r = 0; r < registers; r++)
      sums[row][r] =
          adding ? _mm512_maskz_loadu_ps(r == registers - 1 ? last : 0xffff, c + row * stride + 16 * r)
                 : _mm512_setzero_ps();
  for (long pair = 0; pair < pairs; pair++) {
    __m512bh right[4];
    for (int r = 0; r < registers; r++)
      right[r] = (__m512bh)_mm512_loadu_si512(panel + pair * width + 16 * r);
    for (int row = 0; row < rows; row++) {
      const __m512bh both = (__m512bh)_mm512_set1_epi32((int)left[row * row_stride + pair * pair_stride]);
      for (int r = 0; r < registers; r++) sums[row][r] = _mm512_dpbf16_ps(sums[row][r], both, right[r]);
    }
  }
  for (int row = 0; row < rows; row++)
    for (int r = 0; r < registers; r++)
      _mm512_mask_storeu_ps(
          c + row * stride + 16 * r, r == registers - 1 ? last : 0xffff, sums[row][r]);
}

#define BLOCK(rows, registers) \
  multiply_block(left, row_stride, pair_stride, pairs, panel, c, stride, adding, rows, registers, last)

WIDE_INLINE void multiply_rows(
    const uint32_t *left, long row_stride, long pair_stride, long rows, long pairs, const uint32_t *panel,
    float *c, long stride, bool adding, const int registers, const __mmask16 last) {
  for (; rows >= 6; rows -= 6, left += 6 * row_stride, c += 6 * stride) BLOCK(6, registers);
  switch (rows) {
    case 5: BLOCK(5, registers); break;
    case 4: BLOCK(4, registers); break;
    case 3: BLOCK(3, registers); break;
    case 2: BLOCK(2, registers); break;
    case 1: BLOCK(1, registers); break;
  }
}

#define ROWS(registers) \
  multiply_rows(left, row_stride, pair_stride, rows, pairs, panel, c, stride, adding, registers, last)

WIDE_INLINE void multiply(
    const uint32_t *left, long row_stride, long pair_stride, long rows, long pairs, const uint32_t *panel,
    long columns, float *c, long stride, bool adding) {
  const int registers = (int)((columns + 15) / 16);
  const __mmask16 last = (__mmask16)(0xffff >> (16 * registers - columns));
  switch (registers) {
    case 4: ROWS(4); break;
    case 3: ROWS(3); break;
    case 2: ROWS(2); break;
    case 1: ROWS(1); break;
  }
}

// A known stride is an address in the instruction.
WIDE static void multiply_lying(
    const uint32_t *left, long row_stride, long rows, long pairs, const uint32_t *panel, long columns, float *c,
    long stride, bool adding) {
  multiply(left, row_stride, 1, rows, pairs, panel, columns, c, stride, adding);
}

WIDE static void multiply_standing(
    const uint32_t *left, long rows, long pairs, const uint32_t *panel, long columns, float *c, long stride,
    bool adding) {
  multiply(left, 1, HAT_PAIRS_ROWS, rows, pairs, panel, columns, c, stride, adding);
}

void hat_pairs_wide_multiply(
    const uint32_t *left, long row_stride, long pair_stride, long rows, long pairs, const uint32_t *panel,
    long columns, float *c, long stride, bool adding) {
  if (pair_stride == 1) {
    multiply_lying(left, row_stride, rows, pairs, panel, columns, c, stride, adding);
  } else {
    multiply_standing(left, rows, pairs, panel, columns, c, stride, adding);
  }
}
