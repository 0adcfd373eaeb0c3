#include "ways.h"
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define WIDE_INLINE static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512bf16")))

static inline __mmask16 lowest16(long count) { return count >= 16 ? 0xffff : count > 0 ? (1u << count) - 1 : 0; }

/// Sixteen pairs of a row, of which `left` terms are left.
WIDE_INLINE __m512i pairs_of_row(const float *terms, long left) {
  const __m512 first = _mm512_maskz_loadu_ps(lowest16(left), terms);
  const __m512 second = _mm512_maskz_loadu_ps(lowest16(left - 16), terms + 16);
  return (__m512i)_mm512_cvtne2ps_pbh(second, first);
}

WIDE void hat_pairs_wide_pack_rows(const float *source, long stride, long lines, long terms, uint32_t *packed) {
  const long pairs = pairs_of(terms), whole = terms / 32 * 32;
  for (long line = 0; line < lines; line++, source += stride, packed += pairs) {
    // A masked store costs several plain ones.
    for (long term = 0; term < whole; term += 32) {
      const __m512 first = _mm512_loadu_ps(source + term), second = _mm512_loadu_ps(source + term + 16);
      _mm512_storeu_si512(packed + term / 2, (__m512i)_mm512_cvtne2ps_pbh(second, first));
    }
    if (whole < terms)
      _mm512_mask_storeu_epi32(
          packed + whole / 2, lowest16(pairs - whole / 2), pairs_of_row(source + whole, terms - whole));
  }
}

WIDE_INLINE void transpose(__m512i rows[16]) {
  __m512i r[16], t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    rows[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    rows[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    rows[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
    rows[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

WIDE void hat_pairs_wide_pack_transposed(const float *source, long stride, long lines, long terms, uint32_t *panel) {
  const long pairs = pairs_of(terms), width = round_up(lines, 16);
  for (long line = 0; line < width; line += 16) {
    for (long term = 0; term < terms; term += 32) {
      __m512i rows[16];
      for (int i = 0; i < 16; i++)
        rows[i] = line + i < lines ? pairs_of_row(source + (line + i) * stride + term, terms - term)
                                   : _mm512_setzero_si512();
      transpose(rows);
      const int count = (int)smaller(16, pairs - term / 2);
      for (int i = 0; i < count; i++) _mm512_storeu_si512(panel + (term / 2 + i) * width + line, rows[i]);
    }
  }
}

/// Sixteen lines of two rows as pairs.
WIDE_INLINE __m512i interleave(__m512 first, __m512 second) {
  __m512i order;
  for (int i = 0; i < 16; i++) ((uint32_t *)&order)[i] = (uint32_t)(i | (16 + i) << 16);
  return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

WIDE void hat_pairs_wide_pack_columns(
    const float *source, long stride, long lines, long terms, long panel_lines, uint32_t *panels) {
  const long pairs = pairs_of(terms);
  // Row by row: each lies on a page of its own.
  for (long pair = 0; pair < pairs; pair++) {
    const float *first = source + 2 * pair * stride, *second = first + stride;
    const bool has_second = 2 * pair + 1 < terms;
    for (long start = 0; start < lines; start += panel_lines) {
      const long width = smaller(panel_lines, round_up(lines - start, 16));
      uint32_t *row = panels + start * pairs + pair * width;
      for (long line = start; line < start + width; line += 16, row += 16) {
        // A masked load costs several plain ones.
        if (has_second && line + 16 <= lines) {
          const __m512i both = interleave(_mm512_loadu_ps(first + line), _mm512_loadu_ps(second + line));
          _mm512_storeu_si512(row, both);
        } else {
          const __mmask16 present = lowest16(lines - line);
          const __m512 a = _mm512_maskz_loadu_ps(present, first + line);
          const __m512 b = _mm512_maskz_loadu_ps(has_second ? present : 0, second + line);
          _mm512_storeu_si512(row, interleave(a, b));
        }
      }
    }
  }
}
