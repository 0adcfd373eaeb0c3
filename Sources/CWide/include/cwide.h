// Kernels on registers of sixteen floats (AVX-512). They do the operations of HATKernels in the same order, and so give the
// same bits. They are in C because Swift compiles a function for one processor only. Counts are multiples of 16.
#ifndef HAT_CWIDE_H
#define HAT_CWIDE_H
#include <stdbool.h>

/// Whether the processor has such registers, and the operating system lets programs use them.
bool hat_wide_available(void);

/// hidden = silu(gate) · up, each [count].
void hat_wide_swiglu(const float *gate, const float *up, float *hidden, long count);

/// The gradients by gate and up, each [count]; they may overwrite gate and up. Unless `hidden` is NULL, the forward pass is
/// written to it again; it may be `hidden_gradient`.
void hat_wide_swiglu_backward(
    const float *gate, const float *up, const float *hidden_gradient, float *gate_gradient, float *up_gradient,
    float *hidden, long count);

/// value = e^(scale · value + shift), [count]; adds the results to `sums` [8], eight after eight.
void hat_wide_exponentials(float *values, long count, float scale, float shift, float *sums);

/// Replaces each value by p = e^(scale · value + shift), and each gradient (by p) by the gradient by the value:
/// scale · p · (gradient - delta); each [count].
void hat_wide_softmax_backward(
    float *values, float *gradients, long count, float scale, float shift, float delta);

/// c[i, j] = a_i · b_j, or only the elements with j ≥ i, if `from_row`. Rows of a and b have `width` floats, a multiple of 8;
/// those of c are padded to a multiple of 8. Strides are in floats.
void hat_wide_dots(
    const float *a, long a_stride, long a_rows, const float *b, long b_stride, long b_rows, long width,
    bool from_row, float *c, long c_stride);
#endif
