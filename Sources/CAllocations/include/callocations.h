// Counts what a process allocates, whoever asks: the program's own code, Swift's runtime, C libraries.
#ifndef HAT_CALLOCATIONS_H
#define HAT_CALLOCATIONS_H

/// Calls of malloc and its relatives since the process began, from all threads.
long hat_allocation_count(void);
#endif
