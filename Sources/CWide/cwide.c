#include "cwide.h"

bool hat_wide_available(void) { return __builtin_cpu_supports("avx512f"); }
