// Elementwise kernels on registers of sixteen floats (AVX-512): the operations of HATKernels' Lanes in their order, and
// so the same bits. They are in C since Swift compiles a function for one processor only. Counts are whole registers.
#ifndef HAT_CWIDE_H
#define HAT_CWIDE_H
#include <stdbool.h>

/// Whether the processor has such registers, and the operating system lets programs use them.
bool hat_wide_available(void);

/// hidden = silu(gate) · up, each [count].
void hat_wide_swiglu(const float *gate, const float *up, float *hidden, long count);

/// The gradients by gate and up, each [count], which may be those themselves; `hidden` again, unless NULL, which may be
/// `hidden_gradient`.
void hat_wide_swiglu_backward(
    const float *gate, const float *up, const float *hidden_gradient, float *gate_gradient, float *up_gradient,
    float *hidden, long count);

/// value = e^(scale · value + shift), [count]; adds each eight of them to `sums` [8], in their order.
void hat_wide_exponentials(float *values, long count, float scale, float shift, float *sums);

/// p = e^(scale · value + shift) in place of the value, and the gradient by p in `gradients` becomes that by the value:
/// scale · p · (gradient - delta); each [count].
void hat_wide_softmax_backward(
    float *values, float *gradients, long count, float scale, float shift, float delta);

#endif
