#include "cxsmm.h"
#include <libxsmm.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

// Other targets that LIBXSMM_TARGET may name round otherwise (below AVX2, kernels multiply and add apart), or
// have instructions that this processor lacks.
static void choose_target(void) {
  if (libxsmm_get_target_archid() != LIBXSMM_X86_AVX2) libxsmm_set_target_archid(libxsmm_cpuid());
}

hat_product_kernel hat_product_kernel_for(
    int m, int n, int k, int lda, int ldb, int ldc, bool transposed_b, bool adding) {
  pthread_once(&once, choose_target);
  const float alpha = 1, beta = adding ? 1 : 0;
  const int flags = transposed_b ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  return (hat_product_kernel)libxsmm_smmdispatch(m, n, k, &lda, &ldb, &ldc, &alpha, &beta, &flags, NULL);
}

long hat_product_kernels(void) {
  libxsmm_registry_info registry;
  return libxsmm_get_registry_info(&registry) == EXIT_SUCCESS ? (long)registry.size : 0;
}

int hat_product_lanes(void) {
  pthread_once(&once, choose_target);
  return libxsmm_get_target_archid() >= LIBXSMM_X86_AVX512 ? 16 : 8;
}
