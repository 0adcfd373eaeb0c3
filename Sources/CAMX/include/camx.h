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

/// Splits a block of which each line lies along its terms: [lines, terms], lines `stride` floats apart. What is missing
/// of 32 × 32 becomes zero.
void hat_tiles_split_along(const float *source, long stride, int lines, int terms, bool is_right, void *block);

/// Splits a block of which each row is one term: [terms, lines].
void hat_tiles_split_across(const float *source, long stride, int lines, int terms, bool is_right, void *block);

/// The calling thread's tiles, between which `hat_tiles_multiply` may be called.
void hat_tiles_start(void);
void hat_tiles_stop(void);

/// c[32, 32] = left · right, or added to c: the products of `count` blocks of either side, behind each other.
/// - stride: floats from a row of c to the next
void hat_tiles_multiply(const void *left, const void *right, long count, float *c, long stride, bool adding);
#endif
