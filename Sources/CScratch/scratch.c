#include "scratch.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static pthread_key_t scratch_of_thread;
static bool has_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// The key frees the floats of a thread when it ends.
static void make_key(void) { has_key = pthread_key_create(&scratch_of_thread, free) == 0; }

float *hat_thread_scratch(int floats) {
  static _Thread_local float *scratch;
  if (!scratch) {
    pthread_once(&once, make_key);
    if (!has_key) return NULL;
    scratch = aligned_alloc(64, sizeof(float) * (size_t)floats);
    pthread_setspecific(scratch_of_thread, scratch);
  }
  return scratch;
}
