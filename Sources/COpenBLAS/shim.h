// Debian's cblas.h is an alternatives link that another BLAS can take over; this one cannot.
#include <cblas-openblas.h>
