// LIBXSMM's own header is large and full of macros, so only the .c file includes it.
#ifndef HAT_CXSMM_H
#define HAT_CXSMM_H
#include <stdbool.h>

/// c = a·b or c += a·b for column-major matrices of the shapes that the kernel was made for.
typedef void (*hat_product_kernel)(const float *a, const float *b, float *c);

/// The kernel for c [m, n], a [m, k] and b [k, n], or bᵀ with b [n, k]. It is made at the first request. NULL if LIBXSMM
/// cannot make it.
hat_product_kernel hat_product_kernel_for(
    int m, int n, int k, int lda, int ldb, int ldc, bool transposed_b, bool adding);

/// How many kernels have been made. They stay until the process ends, each on two pages of memory at least.
long hat_product_kernels(void);

/// The floats in a register of the kernels: 16 with AVX-512, 8 without, or where LIBXSMM_TARGET is hsw. Other values
/// of that variable count for nothing, so that kernels have the same bits everywhere.
int hat_product_lanes(void);
#endif
