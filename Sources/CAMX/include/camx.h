// Products on the processor's matrix tiles (Intel AMX): what Swift has no intrinsics for.
#ifndef HAT_CAMX_H
#define HAT_CAMX_H
#include <stdbool.h>

/// Asks the operating system for the tiles. False where it or the processor has none for bfloat16.
bool hat_tiles_available(void);

/// Lines of an operand (rows of the left-hand side, columns of the right-hand side) and terms that a block has.
#define HAT_TILE_LINES 32
#define HAT_TILE_TERMS 32
/// Bytes of a block once split: 32 × 32 elements in three bfloat16 each.
#define HAT_TILE_BLOCK_BYTES 6144

/// A panel, up to 32 lines of an operand, on its way into blocks: as far as it has come. All fields but `steps` are CAMX's.
typedef struct {
  /// Still to be taken.
  long steps;
  /// Where a tile's sixteen rows begin; in floats from there, the partners of its terms, its block's other tile, the next
  /// block.
  const float *source;
  long stride, upper, half, block;
  /// Left from there on.
  long lines, terms;
  /// Of the terms and of their partners: rows that are there, and which sixteen floats of a row.
  long rows[2];
  unsigned short present[2];
  bool rows_are_lines, is_second_half;
  void *target;
  float *transposed;
  int step;
} hat_tile_splitting;

/// Floats for a transposed tile and the partners of its terms.
#define HAT_TILE_TRANSPOSED_FLOATS 512

/// The start of splitting up to 32 lines into blocks behind each other. What is missing of the last becomes zero.
/// - source: [lines, terms] if rows are lines, else [terms, lines]; rows `stride` floats apart
/// - transposed: `HAT_TILE_TRANSPOSED_FLOATS`, aligned to 64 bytes, for one splitting at a time
hat_tile_splitting hat_tiles_splitting(
    const float *source, long stride, int lines, long terms, bool rows_are_lines, bool is_right, void *blocks,
    float *transposed);

/// Takes the steps that are left.
void hat_tiles_split(hat_tile_splitting *splitting);

/// The calling thread's tiles, between which `hat_tiles_multiply` may be called.
void hat_tiles_start(void);
void hat_tiles_stop(void);

/// c[32, 32] = left · right, or added to c: the products of `count` blocks of either side, behind each other. Meanwhile
/// takes `steps`, if any, of a splitting into other blocks: vector registers are idle then.
/// - stride: floats from a row of c to the next
void hat_tiles_multiply(
    const void *left, const void *right, long count, float *c, long stride, bool adding,
    hat_tile_splitting *splitting, long steps);
#endif
