// glibc 2.35 has new versions of these functions, for which alone the program would refuse to start with 2.34. The linker takes these
// instead (--wrap). A wider type has room for the squares, so that nothing overflows.
#include <math.h>

double __wrap_hypot(double x, double y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  return (double)sqrtl((long double)x * x + (long double)y * y);
}

float __wrap_hypotf(float x, float y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  return (float)sqrt((double)x * x + (double)y * y);
}
