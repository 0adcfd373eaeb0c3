// Products of factors rounded to bfloat16, summed as floats. An element is one chain of sums over pairs of terms, the second of
// each pair first. This is the order of VDPBF16PS (AVX512-BF16, in AMD's processors since Zen 4), for which Swift has no
// intrinsics. Denormal factors and sums count as zero; products are exact.
#ifndef HAT_CBRAINFLOAT_H
#define HAT_CBRAINFLOAT_H
#include <stdbool.h>
#include <stdint.h>

/// How pairs are multiplied. Both give the same bits.
typedef enum {
  /// By VDPBF16PS.
  HAT_PAIRS_BY_INSTRUCTION,
  /// By fused multiply-adds of floats (AVX2), into which each factor is expanded again: slow, and on every processor.
  HAT_PAIRS_BY_CONVERSION,
} hat_pairs_way;

/// Whether the processor has VDPBF16PS, and the operating system lets programs use its registers.
bool hat_pairs_available(void);

// An operand is a matrix of floats, rounded and packed once for many products. It has lines of terms: rows of the left-hand
// side, columns of the right-hand side. Two consecutive terms of a line are a pair, a word of 32 bits; the first lies in the
// lower half. A lacking last term is zero.

/// Lines of a panel of the right-hand side: [pairs, lines up to a multiple of 16].
#define HAT_PAIRS_COLUMNS 64
/// Lines of a panel of a left-hand side whose terms lie in rows: [pairs, 16].
#define HAT_PAIRS_ROWS 16

/// Packs lines that are rows of the source, each behind the other: [lines, pairs], for the left-hand side.
/// - source: [lines, terms], rows `stride` floats apart
void hat_pairs_pack_rows(
    hat_pairs_way way, const float *source, long stride, long lines, long terms, uint32_t *packed);

/// Packs up to 64 lines that are rows of the source as a panel for the right-hand side.
/// - source: [lines, terms], rows `stride` floats apart
void hat_pairs_pack_transposed(
    hat_pairs_way way, const float *source, long stride, long lines, long terms, uint32_t *panel);

/// Packs lines that are columns of the source as panels behind each other, each [pairs, panel_lines] but the last, whose
/// lines are rounded up to a multiple of 16.
/// - source: [terms, lines], rows `stride` floats apart
/// - panel_lines: HAT_PAIRS_COLUMNS for the right-hand side, HAT_PAIRS_ROWS for the left-hand side
void hat_pairs_pack_columns(
    hat_pairs_way way, const float *source, long stride, long lines, long terms, long panel_lines,
    uint32_t *panels);

/// c[rows, columns] = left · panel, or added to c.
/// - left: pair p of row r lies at r · row_stride + p · pair_stride; one of the strides is 1
/// - panel: [pairs, columns up to a multiple of 16], of at most 64 columns
/// - stride: floats from one row of c to the next
void hat_pairs_multiply(
    hat_pairs_way way, const uint32_t *left, long row_stride, long pair_stride, long rows, long pairs,
    const uint32_t *panel, long columns, float *c, long stride, bool adding);
#endif
