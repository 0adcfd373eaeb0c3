"""Programs under test, with all that they start: this process adopts what they leave behind."""

import ctypes
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None)

Limits = Mapping[int, int]
Stream = int | IO[bytes] | IO[str]


def adopt_orphans() -> None:
    """From now on a process whose parent has ended becomes a child of this one, not of the system's first."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Child:
    """A program that has been started, at the head of a session of its own."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        output: Stream,
        errors: Stream,
        source: Stream = subprocess.DEVNULL,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`limits` are those of `setrlimit`, by resource. `environment` is added to this process's."""

        def prepare() -> None:
            # Should this program be killed, what it tests must not run on.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            for kind, limit in (limits or {}).items():
                resource.setrlimit(kind, (limit, limit))

        self._process = subprocess.Popen(
            command,
            stdin=source,
            stdout=output,
            stderr=errors,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            preexec_fn=prepare,
        )
        self.pid = self._process.pid
        self._handle = os.pidfd_open(self.pid)
        self._ending = select.poll()
        self._ending.register(self._handle, select.POLLIN)

    def has_ended(self, within: float) -> bool:
        """Waits for the end, at most so many seconds."""
        return bool(self._ending.poll(max(0, round(within * 1000))))

    def finish(self) -> int:
        """The exit code of a program that has ended; the negative number of the signal that ended it."""
        code = self._process.wait()
        os.close(self._handle)
        return code

    def forget(self) -> None:
        """Of a program that `end_leftovers` has ended: its exit code is not known."""
        self._process.returncode = -signal.SIGKILL
        os.close(self._handle)


def descendants(ancestor: int) -> list[int]:
    """The processes below `ancestor`, without those that have ended."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found, open_ones = [], [ancestor]
    while open_ones:
        below = children.get(open_ones.pop(), [])
        found += below
        open_ones += below
    return found


def end_leftovers(grace: float) -> list[str]:
    """Gives what programs left behind so many seconds to end, then ends it.

    Returns the command lines of those that had to be ended. No child may be waited for elsewhere.
    """
    limit = time.monotonic() + grace
    while _has_children() and time.monotonic() < limit:
        time.sleep(0.02)
    if not _has_children():
        # To look through all processes takes as long as a command line does.
        return []
    left = [words for pid in descendants(os.getpid()) if (words := command_line(pid))]
    while _has_children():
        for pid in descendants(os.getpid()):
            _kill(pid)
        time.sleep(0.01)
    return left


def command_line(pid: int) -> str:
    """Empty if it has ended."""
    return _read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()


def environment_has(pid: int, name: str) -> bool:
    return any(entry.startswith(f"{name}=") for entry in _read(f"/proc/{pid}/environ").split("\0"))


def _has_children() -> bool:
    """Whether there are any that have not ended; those that have are dismissed."""
    try:
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return True
    except ChildProcessError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _parents() -> list[tuple[int, int]]:
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        # The name of the program, in brackets, may hold anything.
        state, parent, *_ = (_read(f"/proc/{name}/stat").rpartition(")")[2].split() or ("Z", "0"))[:2]
        if state != "Z":
            found.append((int(name), int(parent)))
    return found


def _read(path: str) -> str:
    """Empty if the process is no longer there."""
    try:
        return Path(path).read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""
