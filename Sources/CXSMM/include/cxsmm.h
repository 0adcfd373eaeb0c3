// LIBXSMM's own header is large and full of macros: it stays in the .c file.
#ifndef HAT_CXSMM_H
#define HAT_CXSMM_H
#include <stdbool.h>

/// c = a·b or c += a·b, all matrices column-major, of the shapes the kernel was made for.
typedef void (*hat_product_kernel)(const float *a, const float *b, float *c);

/// The kernel for c [m, n], a [m, k] and b [k, n], or bᵀ where b is [n, k]; made when first asked for. NULL where
/// LIBXSMM cannot make it.
hat_product_kernel hat_product_kernel_for(
    int m, int n, int k, int lda, int ldb, int ldc, bool transposed_b, bool adding);

/// So many floats of the calling thread, on a cache line, made when first asked for: always as many. NULL where memory is
/// short.
float *hat_product_scratch(int floats);
#endif
