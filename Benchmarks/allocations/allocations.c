// Counts what a process allocates, whoever asks: its own code, Swift's runtime, C libraries. For a process that this
// library is loaded into before the C library (LD_PRELOAD), such as one of `hat-mpirun benchmark train`.
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

// glibc's allocator, by the names it has for those who interpose their own.
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static atomic_long count;

/// Calls of malloc and its relatives since the process began, from all threads.
long hat_allocation_count(void) { return atomic_load_explicit(&count, memory_order_relaxed); }

static void add_one(void) { atomic_fetch_add_explicit(&count, 1, memory_order_relaxed); }

void *malloc(size_t size) {
  add_one();
  return __libc_malloc(size);
}

void *calloc(size_t elements, size_t size) {
  add_one();
  return __libc_calloc(elements, size);
}

void *realloc(void *memory, size_t size) {
  add_one();
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  add_one();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  void *result = memalign(alignment, size);
  if (result == NULL) return ENOMEM;
  *memory = result;
  return 0;
}
