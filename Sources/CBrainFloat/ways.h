// Both ways of CBrainFloat's functions, without the first argument.
#ifndef HAT_BRAINFLOAT_WAYS_H
#define HAT_BRAINFLOAT_WAYS_H
#include "cbrainfloat.h"

static inline long smaller(long a, long b) { return a < b ? a : b; }
static inline long pairs_of(long terms) { return (terms + 1) / 2; }
static inline long round_up(long count, long unit) { return (count + unit - 1) / unit * unit; }

void hat_pairs_wide_pack_rows(const float *source, long stride, long lines, long terms, uint32_t *packed);
void hat_pairs_wide_pack_transposed(const float *source, long stride, long lines, long terms, uint32_t *panel);
void hat_pairs_wide_pack_columns(
    const float *source, long stride, long lines, long terms, long panel_lines, uint32_t *panels);
void hat_pairs_wide_multiply(
    const uint32_t *left, long row_stride, long pair_stride, long rows, long pairs, const uint32_t *panel,
    long columns, float *c, long stride, bool adding);

void hat_pairs_converted_pack_rows(const float *source, long stride, long lines, long terms, uint32_t *packed);
void hat_pairs_converted_pack_transposed(const float *source, long stride, long lines, long terms, uint32_t *panel);
void hat_pairs_converted_pack_columns(
    const float *source, long stride, long lines, long terms, long panel_lines, uint32_t *panels);
void hat_pairs_converted_multiply(
    const uint32_t *left, long row_stride, long pair_stride, long rows, long pairs, const uint32_t *panel,
    long columns, float *c, long stride, bool adding);
#endif
