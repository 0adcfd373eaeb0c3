#include "layout.h"
#include <immintrin.h>

// Sixteen pairs of terms. Each element is the sum of three bfloat16: the nearest to it, the nearest to what is left, and the
// rest. The second term of a pair lies in the upper halves.
typedef struct {
  __m512i first, second, third;
} pairs;

ON_TILES static inline __m512i upper_half(__m512i x) { return _mm512_and_si512(x, _mm512_set1_epi32((int)0xffff0000)); }

ON_TILES static inline __m512 nearest(__m512 x) {
  return _mm512_castsi512_ps(upper_half(_mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000))));
}

/// The upper halves of both. A rest below 2^-126 also has bits in its lower half, which must not reach its neighbour.
ON_TILES static inline __m512i paired(__m512 lower, __m512 upper) {
  return _mm512_or_si512(
      _mm512_srli_epi32(_mm512_castps_si512(lower), 16), upper_half(_mm512_castps_si512(upper)));
}

ON_TILES static inline pairs split(__m512 lower, __m512 upper) {
  const __m512 lower_first = nearest(lower), upper_first = nearest(upper);
  const __m512 lower_left = _mm512_sub_ps(lower, lower_first), upper_left = _mm512_sub_ps(upper, upper_first);
  const __m512 lower_second = nearest(lower_left), upper_second = nearest(upper_left);
  return (pairs){
      paired(lower_first, upper_first), paired(lower_second, upper_second),
      paired(_mm512_sub_ps(lower_left, lower_second), _mm512_sub_ps(upper_left, upper_second))};
}

/// Sixteen pairs of terms, rounded to the nearest bfloat16.
ON_TILES static inline __m512i rounded(__m512 lower, __m512 upper) {
  const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(lower));
  const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(upper));
  return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

/// Stores one row in the tile of each part.
ON_TILES static inline void store(char *row, int parts, __m512 lower, __m512 upper) {
  if (parts == 1) {
    _mm512_store_si512(row, rounded(lower, upper));
    return;
  }
  const pairs p = split(lower, upper);
  _mm512_store_si512(row, p.first);
  _mm512_store_si512(row + part_bytes, p.second);
  _mm512_store_si512(row + 2 * part_bytes, p.third);
}

ON_TILES static inline void transpose(__m512 rows[16]) {
  __m512 r[16], t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    rows[i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0x88);
    rows[8 + i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0xdd);
    rows[4 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0x88);
    rows[12 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

/// Sixteen floats of a row of the matrix, and zeros where it ends. Also prefetches what the same step of the next block
/// reads: rows may lie pages apart, which the hardware cannot predict.
ON_TILES static inline __m512 load(const hat_tile_splitting *splitting, int upper, long row) {
  const float *source = splitting->source + row * splitting->stride + (upper ? splitting->upper : 0);
  __builtin_prefetch(source + splitting->block);
  return _mm512_maskz_loadu_ps(row < splitting->rows[upper] ? splitting->present[upper] : 0, source);
}

// If the rows of a tile are columns of the matrix, they are transposed first: the terms, then their partners.
enum { transposing_steps = 2, rows_of_a_step = 2, splitting_steps = 16 / rows_of_a_step };

ON_TILES static __attribute__((noinline)) void transpose_step(const hat_tile_splitting *splitting, int upper) {
  __m512 rows[16];
  for (int row = 0; row < 16; row++) rows[row] = load(splitting, upper, row);
  transpose(rows);
  for (int row = 0; row < 16; row++) _mm512_store_ps(splitting->transposed + 256 * upper + 16 * row, rows[row]);
}

ON_TILES static inline void split_step(const hat_tile_splitting *splitting, long step) {
  const long first = rows_of_a_step * step;
  for (long row = first; row < first + rows_of_a_step; row++) {
    char *target = (char *)splitting->target + row * row_bytes;
    if (splitting->transposed) {
      const float *lower = splitting->transposed + 16 * row, *upper = lower + 256;
      store(target, splitting->parts, _mm512_load_ps(lower), _mm512_load_ps(upper));
    } else {
      store(target, splitting->parts, load(splitting, 0, row), load(splitting, 1, row));
    }
  }
}

/// A mask of the lowest `count` of sixteen.
static inline unsigned short lowest(long count) { return count >= 16 ? 0xffff : count > 0 ? (1 << count) - 1 : 0; }

/// Notes how much exists of the sixteen rows at the source, and of those that hold the partners of their terms.
static inline void start_tile(hat_tile_splitting *splitting) {
  const long lines = splitting->lines - (splitting->is_second_half ? 16 : 0), terms = splitting->terms;
  for (int upper = 0; upper < 2; upper++) {
    splitting->rows[upper] = splitting->rows_are_lines ? lines : terms - 16 * upper;
    splitting->present[upper] = lowest(splitting->rows_are_lines ? terms - 16 * upper : lines);
  }
  splitting->step = splitting->transposed ? 0 : transposing_steps;
}

static inline void move_to_next_tile(hat_tile_splitting *splitting) {
  splitting->is_second_half = !splitting->is_second_half;
  if (splitting->is_second_half) {
    splitting->source += splitting->half;
    splitting->target = (char *)splitting->target + tile_bytes;
  } else {
    splitting->source += splitting->block - splitting->half;
    splitting->target = (char *)splitting->target + splitting->parts * part_bytes - tile_bytes;
    splitting->terms -= HAT_TILE_TERMS;
  }
  start_tile(splitting);
}

ON_TILES void hat_tiles_step(hat_tile_splitting *splitting) {
  const int step = splitting->step++;
  splitting->steps--;
  if (step < transposing_steps) {
    transpose_step(splitting, step);
  } else {
    split_step(splitting, step - transposing_steps);
    if (step == transposing_steps + splitting_steps - 1) move_to_next_tile(splitting);
  }
}

hat_tile_splitting hat_tiles_splitting(
    const float *source, long stride, int lines, long terms, bool rows_are_lines, bool is_right, int parts,
    void *blocks, float *transposed) {
  hat_tile_splitting splitting = {
      .source = source,
      .stride = stride,
      .upper = rows_are_lines ? 16 : 16 * stride,
      .half = rows_are_lines ? 16 * stride : 16,
      .block = rows_are_lines ? HAT_TILE_TERMS : HAT_TILE_TERMS * stride,
      .lines = lines,
      .terms = terms,
      .rows_are_lines = rows_are_lines,
      .parts = parts,
      .target = blocks,
      .transposed = rows_are_lines == is_right ? transposed : 0,
  };
  start_tile(&splitting);
  const int count = (terms + HAT_TILE_TERMS - 1) / HAT_TILE_TERMS;
  splitting.steps = 2 * (transposing_steps + splitting_steps - splitting.step) * count;
  return splitting;
}

void hat_tiles_split(hat_tile_splitting *splitting) {
  while (splitting->steps > 0) hat_tiles_step(splitting);
}
