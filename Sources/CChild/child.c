#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/// The program begins with the signals that the caller ignores, as after exec, and no handler of the caller's runs before.
static void forget_handlers(void) {
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN) signal(number, SIG_DFL);
  }
}

/// In the child, which shares the caller's memory. Returns if the program cannot be started.
static void become(
    const char *program, char *const *arguments, char *const *environment, int output, int error_output,
    pid_t parent, const sigset_t *mask) {
  forget_handlers();
  sigprocmask(SIG_SETMASK, mask, NULL);
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // The parent may have ended before the kernel knew what to do then.
  if (getppid() != parent) _exit(1);
  const int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (empty < 0 || dup2(empty, STDIN_FILENO) < 0) return;
  if (dup2(output, STDOUT_FILENO) < 0 || dup2(error_output, STDERR_FILENO) < 0) return;
  execvpe(program, arguments, environment);
}

pid_t hat_child_start(
    const char *program, char *const *arguments, char *const *environment, int output, int error_output) {
  struct sigaction action;
  // Where the caller's parent had it ignored, the kernel would forget the child's exit code.
  if (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN) signal(SIGCHLD, SIG_DFL);
  sigset_t all, mask;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &mask);
  const pid_t parent = getpid();
  volatile int failure = 0;
  // Not fork, which copies the tables of all pages, and runs what libraries have registered for it.
  const pid_t child = vfork();
  if (child == 0) {
    become(program, arguments, environment, output, error_output, parent, &mask);
    failure = errno;
    _exit(127);
  }
  if (child < 0) failure = errno;
  sigprocmask(SIG_SETMASK, &mask, NULL);
  if (child > 0 && failure != 0) waitpid(child, NULL, 0);
  return failure == 0 ? child : -failure;
}
