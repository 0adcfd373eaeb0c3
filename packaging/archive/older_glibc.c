// Later versions of glibc have new functions, and new versions of functions, for which alone the program would refuse to start with 2.34.
// The linker takes these instead (--wrap).
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

// 2.35. A wider type has room for the squares, so that nothing overflows.
double __wrap_hypot(double x, double y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  return (double)sqrtl((long double)x * x + (long double)y * y);
}

float __wrap_hypotf(float x, float y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  return (float)sqrt((double)x * x + (double)y * y);
}

// 2.36. What it returns is random, or the program ends.
uint32_t __wrap_arc4random(void) {
  uint32_t value;
  // So few bytes come at once.
  if (getrandom(&value, sizeof value, 0) != sizeof value) abort();
  return value;
}
