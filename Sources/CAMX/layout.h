// What the parts of CAMX share.
#ifndef HAT_CAMX_LAYOUT_H
#define HAT_CAMX_LAYOUT_H
#include "camx.h"

#define ON_TILES __attribute__((target("amx-tile,amx-bf16,avx512f")))

// A block holds, for each of three parts, two tiles of 16 rows of 64 bytes. A row of a left tile is a line, a column of
// a right tile is one; either way its terms t and t + 16 make a pair.
enum { row_bytes = 64, tile_bytes = 16 * row_bytes, part_bytes = 2 * tile_bytes };

/// One step of a splitting.
void hat_tiles_step(hat_tile_splitting *splitting);
#endif
