// Which processor a thread runs on: glibc shows this to C with _GNU_SOURCE only.
#ifndef HAT_AFFINITY_H
#define HAT_AFFINITY_H
#include <stdbool.h>

/// Lets the calling thread run on one hardware thread only.
/// Returns whether it may.
bool hat_affinity_bind(int processor);
#endif
