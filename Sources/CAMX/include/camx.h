// Products on the processor's matrix tiles (Intel AMX), for which Swift has no intrinsics.
#ifndef HAT_CAMX_H
#define HAT_CAMX_H
#include <stdbool.h>

/// Asks the operating system for the tiles. False if it or the processor offers none for bfloat16.
bool hat_tiles_available(void);

/// The lines of an operand (rows of the left-hand side, columns of the right-hand side) and the terms that a block has.
#define HAT_TILE_LINES 32
#define HAT_TILE_TERMS 32
/// Elements are three bfloat16 whose sum they are, or one, to which they are rounded.
#define HAT_TILE_MOST_PARTS 3
/// The bytes of one part of a split block: 32 × 32 bfloat16.
#define HAT_TILE_PART_BYTES 2048

/// How far a panel, up to 32 lines of an operand, has been split into blocks. All fields but `steps` are private to CAMX.
typedef struct {
  /// The steps that are left.
  long steps;
  /// Where the sixteen rows of a tile begin, and, in floats from there, the partners of its terms, the other tile of its
  /// block and the next block.
  const float *source;
  long stride, upper, half, block;
  /// How many are left from there on.
  long lines, terms;
  /// Of the terms and of their partners: how many rows exist, and which of sixteen floats of a row.
  long rows[2];
  unsigned short present[2];
  bool rows_are_lines, is_second_half;
  int parts;
  void *target;
  float *transposed;
  int step;
} hat_tile_splitting;

/// Floats for a transposed tile and the partners of its terms.
#define HAT_TILE_TRANSPOSED_FLOATS 512

/// Begins to split up to 32 lines into consecutive blocks. What the last block lacks becomes zero.
/// - source: [lines, terms] if rows are lines, else [terms, lines]; rows `stride` floats apart
/// - is_right: whether blocks are for the right-hand side, whose terms are rows of a tile; those of the left-hand side are columns
/// - parts: 3 or 1
/// - blocks: ⌈terms / 32⌉ · parts · `HAT_TILE_PART_BYTES` bytes, aligned to 64
/// - transposed: `HAT_TILE_TRANSPOSED_FLOATS`, aligned to 64 bytes, for one splitting at a time
hat_tile_splitting hat_tiles_splitting(
    const float *source, long stride, int lines, long terms, bool rows_are_lines, bool is_right, int parts,
    void *blocks, float *transposed);

/// Takes all steps that are left.
void hat_tiles_split(hat_tile_splitting *splitting);

/// Sets up and releases the calling thread's tiles. `hat_tiles_multiply` may be called in between.
void hat_tiles_start(void);
void hat_tiles_stop(void);

/// c[32, 32] = left · right, or added to c: the products of `count` consecutive blocks of either side. Meanwhile the vector
/// registers, idle otherwise, take `steps` steps of a splitting into other blocks.
/// - parts: of the blocks
/// - stride: floats from one row of c to the next
void hat_tiles_multiply(
    const void *left, const void *right, int parts, long count, float *c, long stride, bool adding,
    hat_tile_splitting *splitting, long steps);
#endif
