// Starts a program that does not outlive this one. In C, because the promise is made between fork and exec.
#ifndef HAT_CCHILD_H
#define HAT_CCHILD_H
#include <sys/types.h>

/// Starts a program found in PATH, in a process group of its own: Ctrl-C reaches the caller alone. Its standard input is
/// empty, its standard output is `output` and its standard error `error_output`. It gets SIGTERM when the calling
/// thread ends, however that ends. If SIGCHLD was ignored, it no longer is: else nobody could wait for the program.
/// Returns its process, or a negative errno if it cannot be started.
pid_t hat_child_start(
    const char *program, char *const *arguments, char *const *environment, int output, int error_output);
#endif
