#include "cxsmm.h"
#include <libxsmm.h>
#include <stddef.h>

hat_product_kernel hat_product_kernel_for(
    int m, int n, int k, int lda, int ldb, int ldc, bool transposed_b, bool adding) {
  const float alpha = 1, beta = adding ? 1 : 0;
  const int flags = transposed_b ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  return (hat_product_kernel)libxsmm_smmdispatch(m, n, k, &lda, &ldb, &ldc, &alpha, &beta, &flags, NULL);
}

float *hat_product_scratch(void) {
  static _Thread_local _Alignas(64) float scratch[HAT_PRODUCT_SCRATCH_FLOATS];
  return scratch;
}
