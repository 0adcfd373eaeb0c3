// Matrix tiles in software, as the manual defines them (Intel, Software Developer's Manual, TDPBF16PS): for tests of what is
// built on tiles on processors without them. `HAT_TILES=software swift build` uses them.
#ifndef HAT_CAMX_SOFTWARE_H
#define HAT_CAMX_SOFTWARE_H
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

static _Thread_local uint32_t software_tiles[8][16][16];

static inline void load_tile(int tile, const void *source, long stride) {
  for (int row = 0; row < 16; row++) memcpy(software_tiles[tile][row], (const char *)source + row * stride, 64);
}

static inline void store_tile(int tile, void *target, long stride) {
  for (int row = 0; row < 16; row++) memcpy((char *)target + row * stride, software_tiles[tile][row], 64);
}

static inline float of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// c += a · b: of each row's sixteen pairs, first terms and second terms apart.
static __attribute__((noinline, target("avx2,fma"))) void multiply_tiles(int c, int a, int b) {
  const unsigned before = _mm_getcsr(), denormals_are_zero = 0x8040;
  _mm_setcsr(before | denormals_are_zero);
  for (int row = 0; row < 16; row++) {
    float first[16] = {0}, second[16] = {0};
    for (int pair = 0; pair < 16; pair++) {
      const uint32_t left = software_tiles[a][row][pair];
      for (int column = 0; column < 16; column++) {
        const uint32_t right = software_tiles[b][pair][column];
        first[column] = __builtin_fmaf(of_bits(left << 16), of_bits(right << 16), first[column]);
        second[column] =
            __builtin_fmaf(of_bits(left & 0xffff0000), of_bits(right & 0xffff0000), second[column]);
      }
    }
    for (int column = 0; column < 16; column++) {
      const float sum = of_bits(software_tiles[c][row][column]) + (first[column] + second[column]);
      memcpy(&software_tiles[c][row][column], &sum, sizeof sum);
    }
  }
  _mm_setcsr(before);
}

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbf16ps
#define _tile_loadd load_tile
#define _tile_stored store_tile
#define _tile_zero(tile) memset(software_tiles[tile], 0, sizeof software_tiles[tile])
#define _tile_dpbf16ps multiply_tiles
#define _tile_loadconfig(layout) ((void)(layout))
#define _tile_release() ((void)0)
#endif
