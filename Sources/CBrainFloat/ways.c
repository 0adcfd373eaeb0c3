#include "ways.h"
#include <cpuid.h>

bool hat_pairs_available(void) {
  // CPUID leaf 7, sub-leaf 1.
  const unsigned brain_float = 1u << 5;
  unsigned a, b, c, d;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & brain_float);
}

void hat_pairs_pack_rows(
    hat_pairs_way way, const float *source, long stride, long lines, long terms, uint32_t *packed) {
  (way == HAT_PAIRS_BY_INSTRUCTION ? hat_pairs_wide_pack_rows : hat_pairs_converted_pack_rows)(
      source, stride, lines, terms, packed);
}

void hat_pairs_pack_transposed(
    hat_pairs_way way, const float *source, long stride, long lines, long terms, uint32_t *panel) {
  (way == HAT_PAIRS_BY_INSTRUCTION ? hat_pairs_wide_pack_transposed : hat_pairs_converted_pack_transposed)(
      source, stride, lines, terms, panel);
}

void hat_pairs_pack_columns(
    hat_pairs_way way, const float *source, long stride, long lines, long terms, long panel_lines,
    uint32_t *panels) {
  (way == HAT_PAIRS_BY_INSTRUCTION ? hat_pairs_wide_pack_columns : hat_pairs_converted_pack_columns)(
      source, stride, lines, terms, panel_lines, panels);
}

void hat_pairs_multiply(
    hat_pairs_way way, const uint32_t *left, long row_stride, long pair_stride, long rows, long pairs,
    const uint32_t *panel, long columns, float *c, long stride, bool adding) {
  (way == HAT_PAIRS_BY_INSTRUCTION ? hat_pairs_wide_multiply : hat_pairs_converted_multiply)(
      left, row_stride, pair_stride, rows, pairs, panel, columns, c, stride, adding);
}
