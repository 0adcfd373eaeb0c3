// glibc 2.35 has new versions of these functions, for which alone the program would refuse to start with 2.34. They return what the old
// ones do; the old ones also call a handler of errors that no program has set since 2.27. Linked with --wrap for each.
double older_hypot(double, double);
float older_hypotf(float, float);
__asm__(".symver older_hypot, hypot@GLIBC_2.2.5");
__asm__(".symver older_hypotf, hypotf@GLIBC_2.2.5");

double __wrap_hypot(double x, double y) { return older_hypot(x, y); }
float __wrap_hypotf(float x, float y) { return older_hypotf(x, y); }
