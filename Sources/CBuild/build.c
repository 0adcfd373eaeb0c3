#include "CBuild.h"

const char *hat_build_commit(void) { return HAT_COMMIT; }
