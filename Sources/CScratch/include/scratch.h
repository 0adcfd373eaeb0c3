// Memory that a thread has for itself until it ends: Swift has no thread-local variables.
#ifndef HAT_SCRATCH_H
#define HAT_SCRATCH_H

/// The calling thread's own `floats` floats, aligned to a cache line. They are allocated at the first call, so every call
/// must ask for as many. NULL if there is no memory.
float *hat_thread_scratch(int floats);
#endif
