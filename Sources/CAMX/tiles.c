#include "layout.h"
#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef HAT_SOFTWARE_TILES
#include "software.h"
#endif

// Rounding on vector registers (AVX512-BF16): CPUID leaf 7, sub-leaf 1.
static bool processor_rounds(void) {
  const unsigned rounding = 1u << 5;
  unsigned a, b, c, d;
  return __builtin_cpu_supports("avx512f") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & rounding);
}

#ifdef HAT_SOFTWARE_TILES
bool hat_tiles_available(void) { return processor_rounds(); }
#else
// CPUID leaf 7: tiles and products of tiles.
static bool processor_has_tiles(void) {
  const unsigned bfloat16 = 1u << 22, tile = 1u << 24;
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & bfloat16) && (d & tile);
}

bool hat_tiles_available(void) {
  const long ask_for_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return processor_rounds() && processor_has_tiles() &&
         syscall(SYS_arch_prctl, ask_for_permission, tile_data) == 0;
}
#endif

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

// Tiles 0–3 are the quarters of c; 4 and 5 hold a part of the left-hand side, 6 and 7 one of the right.
#define LEFT(half, part) _tile_loadd(4 + half, left + part * part_bytes + half * tile_bytes, 64)
#define RIGHT(half, part) _tile_loadd(6 + half, right + part * part_bytes + half * tile_bytes, 64)
#define MULTIPLY_00 _tile_dpbf16ps(0, 4, 6)
#define MULTIPLY_01 _tile_dpbf16ps(1, 4, 7)
#define MULTIPLY_10 _tile_dpbf16ps(2, 5, 6)
#define MULTIPLY_11 _tile_dpbf16ps(3, 5, 7)

/// Fetches half a tile of either side into the first-level cache, some products before it is loaded. The hardware does not
/// prefetch it in time.
static inline void fetch(const char *left, const char *right, int half_tile) {
  for (int line = 0; line < 8; line++) {
    const int offset = 3 * tile_bytes + half_tile * tile_bytes / 2 + row_bytes * line;
    __builtin_prefetch(left + offset);
    __builtin_prefetch(right + offset);
  }
}

// What the vector registers do while tiles multiply. It is spread evenly, since the processor looks ahead over only a few
// products: `slots` times in all. `due` counts slots times steps.
#define MEANWHILE(slot)               \
  fetch(left, right, slot);           \
  for (due += steps; due >= slots; due -= slots) hat_tiles_step(splitting)

/// Adds the products of blocks of one part.
ON_TILES static void multiply_single(
    const char *left, const char *right, long count, hat_tile_splitting *splitting, long steps) {
  const long slots = 4 * count;
  long due = 0;
  for (; count > 0; count--, left += part_bytes, right += part_bytes) {
    LEFT(0, 0), RIGHT(0, 0), MULTIPLY_00;
    MEANWHILE(0);
    RIGHT(1, 0), MULTIPLY_01;
    MEANWHILE(1);
    LEFT(1, 0), MULTIPLY_10;
    MEANWHILE(2);
    MULTIPLY_11;
    MEANWHILE(3);
  }
}

/// Adds the products of blocks of three parts.
ON_TILES static void multiply_split(
    const char *left, const char *right, long count, hat_tile_splitting *splitting, long steps) {
  const long slots = 12 * count;
  long due = 0;
  for (; count > 0; count--, left += 3 * part_bytes, right += 3 * part_bytes) {
    // Two lines for each pair of parts, left · right. A tile is loaded as soon as its last product is under way.
    LEFT(0, 0), RIGHT(0, 2), MULTIPLY_00, LEFT(1, 0), MULTIPLY_10;
    MEANWHILE(0);
    RIGHT(1, 2), RIGHT(0, 1), MULTIPLY_01, MULTIPLY_11;
    MEANWHILE(1);

    RIGHT(1, 1), MULTIPLY_00, MULTIPLY_10;
    MEANWHILE(2);
    RIGHT(0, 0), MULTIPLY_01, MULTIPLY_11;
    MEANWHILE(3);

    RIGHT(1, 0), MULTIPLY_00, MULTIPLY_01;
    MEANWHILE(4);
    LEFT(0, 1), MULTIPLY_10, MULTIPLY_11;
    MEANWHILE(5);

    LEFT(1, 1), MULTIPLY_00, MULTIPLY_10;
    MEANWHILE(6);
    RIGHT(0, 1), MULTIPLY_01, MULTIPLY_11;
    MEANWHILE(7);

    RIGHT(1, 1), MULTIPLY_00, MULTIPLY_10;
    MEANWHILE(8);
    RIGHT(0, 0), MULTIPLY_01, LEFT(0, 2), MULTIPLY_11;
    MEANWHILE(9);

    RIGHT(1, 0), LEFT(1, 2), MULTIPLY_00, MULTIPLY_01;
    MEANWHILE(10);
    MULTIPLY_10, MULTIPLY_11;
    MEANWHILE(11);
  }
}

ON_TILES void hat_tiles_multiply(
    const void *left, const void *right, int parts, long count, float *c, long stride, bool adding,
    hat_tile_splitting *splitting, long steps) {
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
  if (parts == 1) {
    multiply_single(left, right, count, splitting, steps);
  } else {
    multiply_split(left, right, count, splitting, steps);
  }
  _tile_stored(0, c, bytes);
  _tile_stored(1, c + 16, bytes);
  _tile_stored(2, below, bytes);
  _tile_stored(3, below + 16, bytes);
}
