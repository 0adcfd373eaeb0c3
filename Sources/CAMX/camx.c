#include "camx.h"
#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ON_TILES __attribute__((target("amx-tile,amx-bf16,avx512f")))

static bool processor_has_tiles(void) {
  const unsigned bfloat16 = 1u << 22, tile = 1u << 24;
  unsigned a, b, c, d;
  return __builtin_cpu_supports("avx512f") && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & bfloat16) &&
         (d & tile);
}

bool hat_tiles_available(void) {
  const long ask_for_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return processor_has_tiles() && syscall(SYS_arch_prctl, ask_for_permission, tile_data) == 0;
}

ON_TILES void hat_tiles_start(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } layout = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    layout.row_bytes[tile] = 64;
    layout.rows[tile] = 16;
  }
  _tile_loadconfig(&layout);
}

ON_TILES void hat_tiles_stop(void) { _tile_release(); }

// A block holds, for each of three parts, two tiles of 16 rows of 64 bytes.
enum { tile_bytes = 1024, part_bytes = 2 * tile_bytes };

// Tiles 0–3 are the quarters of c; 4 and 5 hold a part of the left-hand side, 6 and 7 one of the right.
#define LEFT(half, part) _tile_loadd(4 + half, left + part * part_bytes + half * tile_bytes, 64)
#define RIGHT(half, part) _tile_loadd(6 + half, right + part * part_bytes + half * tile_bytes, 64)
#define MULTIPLY_00 _tile_dpbf16ps(0, 4, 6)
#define MULTIPLY_01 _tile_dpbf16ps(1, 4, 7)
#define MULTIPLY_10 _tile_dpbf16ps(2, 5, 6)
#define MULTIPLY_11 _tile_dpbf16ps(3, 5, 7)

/// A sixth of a block of either side on its way to the first-level cache, half a block before it is loaded: no hardware
/// does it in time.
static inline void fetch(const char *left, const char *right, int sixth) {
  for (int line = 0; line < 16; line++) {
    const int offset = HAT_TILE_BLOCK_BYTES / 2 + sixth * tile_bytes + 64 * line;
    __builtin_prefetch(left + offset);
    __builtin_prefetch(right + offset);
  }
}
#define FETCH(sixth) fetch(left, right, sixth)

ON_TILES void hat_tiles_multiply(
    const void *left_blocks, const void *right_blocks, long count, float *c, long stride, bool adding) {
  const char *left = left_blocks, *right = right_blocks;
  const long bytes = stride * sizeof(float);
  float *below = c + 16 * stride;
  if (adding) {
    _tile_loadd(0, c, bytes);
    _tile_loadd(1, c + 16, bytes);
    _tile_loadd(2, below, bytes);
    _tile_loadd(3, below + 16, bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (; count > 0; count--, left += HAT_TILE_BLOCK_BYTES, right += HAT_TILE_BLOCK_BYTES) {
    // A line for each pair of parts, left · right; a tile is loaded once its last product is under way.
    FETCH(0), LEFT(0, 0), RIGHT(0, 2), MULTIPLY_00, LEFT(1, 0), MULTIPLY_10, RIGHT(1, 2), RIGHT(0, 1), MULTIPLY_01, MULTIPLY_11;
    FETCH(1), RIGHT(1, 1), MULTIPLY_00, MULTIPLY_10, RIGHT(0, 0), MULTIPLY_01, MULTIPLY_11;
    FETCH(2), RIGHT(1, 0), MULTIPLY_00, MULTIPLY_01, LEFT(0, 1), MULTIPLY_10, MULTIPLY_11;
    FETCH(3), LEFT(1, 1), MULTIPLY_00, MULTIPLY_10, RIGHT(0, 1), MULTIPLY_01, MULTIPLY_11;
    FETCH(4), RIGHT(1, 1), MULTIPLY_00, MULTIPLY_10, RIGHT(0, 0), MULTIPLY_01, LEFT(0, 2), MULTIPLY_11;
    FETCH(5), RIGHT(1, 0), LEFT(1, 2), MULTIPLY_00, MULTIPLY_01, MULTIPLY_10, MULTIPLY_11;
  }
  _tile_stored(0, c, bytes);
  _tile_stored(1, c + 16, bytes);
  _tile_stored(2, below, bytes);
  _tile_stored(3, below + 16, bytes);
}

// Sixteen pairs of terms, each element in three bfloat16 whose sum it is: the nearest to it, the nearest to what is left,
// and the rest. The second of a pair lies in the upper halves.
typedef struct {
  __m512i first, second, third;
} pairs;

ON_TILES static inline __m512i upper_half(__m512i x) { return _mm512_and_si512(x, _mm512_set1_epi32((int)0xffff0000)); }

ON_TILES static inline __m512 nearest(__m512 x) {
  return _mm512_castsi512_ps(upper_half(_mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000))));
}

/// The upper halves of both. A rest below 2^-126 has bits in its lower half, which must not reach its neighbour.
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

ON_TILES static inline void store(char *row, pairs p) {
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

/// The lowest `count` of sixteen.
static inline __mmask16 lowest(int count) { return count >= 16 ? 0xffff : count > 0 ? (1 << count) - 1 : 0; }

/// Row `row` of a tile's worth of floats, of which the first `count` rows are there and of them what `present` says; else 0.
ON_TILES static inline __m512 row_of(const float *source, long stride, int row, int count, __mmask16 present) {
  return row < count ? _mm512_maskz_loadu_ps(present, source + row * stride) : _mm512_setzero_ps();
}

// A row of a left tile is a line, a column of a right tile is one; either way its terms t and t + 16 make a pair.

/// A tile whose rows lie in memory as it wants them: the lower of a pair at `lower`, the upper at `upper`.
ON_TILES static inline void store_rows(
    char *tile, const float *lower, int lower_count, __mmask16 lower_present, const float *upper, int upper_count,
    __mmask16 upper_present, long stride) {
  for (int i = 0; i < 16; i++) {
    store(
        tile + i * 64, split(
                           row_of(lower, stride, i, lower_count, lower_present),
                           row_of(upper, stride, i, upper_count, upper_present)));
  }
}

/// The same of rows that lie in memory as columns.
ON_TILES static inline void store_columns(
    char *tile, const float *lower, int lower_count, __mmask16 lower_present, const float *upper, int upper_count,
    __mmask16 upper_present, long stride) {
  __m512 below[16], above[16];
  for (int i = 0; i < 16; i++) below[i] = row_of(lower, stride, i, lower_count, lower_present);
  transpose(below);
  for (int i = 0; i < 16; i++) above[i] = row_of(upper, stride, i, upper_count, upper_present);
  transpose(above);
  for (int i = 0; i < 16; i++) store(tile + i * 64, split(below[i], above[i]));
}

ON_TILES void hat_tiles_split_along(
    const float *source, long stride, int lines, int terms, bool is_right, void *block) {
  const __mmask16 lower = lowest(terms), upper = lowest(terms - 16);
  for (int half = 0; half < 2; half++) {
    const float *first = source + 16 * half * stride;
    char *tile = (char *)block + half * tile_bytes;
    const int count = lines - 16 * half;
    if (is_right) {
      store_columns(tile, first, count, lower, first + 16, count, upper, stride);
    } else {
      store_rows(tile, first, count, lower, first + 16, count, upper, stride);
    }
  }
}

ON_TILES void hat_tiles_split_across(
    const float *source, long stride, int lines, int terms, bool is_right, void *block) {
  for (int half = 0; half < 2; half++) {
    const float *first = source + 16 * half;
    char *tile = (char *)block + half * tile_bytes;
    const __mmask16 present = lowest(lines - 16 * half);
    if (is_right) {
      store_rows(tile, first, terms, present, first + 16 * stride, terms - 16, present, stride);
    } else {
      store_columns(tile, first, terms, present, first + 16 * stride, terms - 16, present, stride);
    }
  }
}
