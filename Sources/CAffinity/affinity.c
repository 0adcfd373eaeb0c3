#define _GNU_SOURCE
#include "affinity.h"

#include <sched.h>

bool hat_affinity_bind(int processor) {
  cpu_set_t *set = CPU_ALLOC(processor + 1);
  if (!set) return false;
  size_t size = CPU_ALLOC_SIZE(processor + 1);
  CPU_ZERO_S(size, set);
  CPU_SET_S(processor, size, set);
  bool is_bound = sched_setaffinity(0, size, set) == 0;
  CPU_FREE(set);
  return is_bound;
}
