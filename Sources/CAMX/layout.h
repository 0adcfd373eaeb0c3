// What the two files of CAMX share.
#ifndef HAT_CAMX_LAYOUT_H
#define HAT_CAMX_LAYOUT_H
#include "camx.h"

#ifdef HAT_SOFTWARE_TILES
#define ON_TILES __attribute__((target("avx512f,avx512bf16")))
#else
#define ON_TILES __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bf16")))
#endif

// A block holds two tiles of 16 rows of 64 bytes for each of its parts. A line is a row of a left tile or a column of a
// right tile; in both, its terms t and t + 16 are a pair.
enum { row_bytes = 64, tile_bytes = 16 * row_bytes, part_bytes = 2 * tile_bytes };

/// One step of a splitting.
void hat_tiles_step(hat_tile_splitting *splitting);
#endif
