"""Runs command lines, one after the other, in a folder of its own."""

import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

from endurance import shared_memory
from endurance.fuzz import zoo
from endurance.fuzz.lines import Line
from endurance.fuzz.verdict import Ending
from endurance.isolation import isolate
from endurance.processes import Child, adopt_orphans, end_leftovers

# Of a command line: seconds, and bytes of address space and of a file.
_TIME_LIMIT = 30.0
# Seconds after which a line that goes on until it is told to stop is told so.
_SERVED = 3.0
_LIMITS = {
    resource.RLIMIT_AS: 4 << 30,
    resource.RLIMIT_FSIZE: 1 << 30,
    resource.RLIMIT_CORE: 0,
}
# Seconds that what a line started may take to end after it; bytes of its output that are looked at.
_GRACE = 3.0
_READ = 200_000


class Job:
    """Has a copy of the zoo, so that a line that changes it is known by that.

    FOLDER/zoo        FOLDER/line, where lines run        FOLDER/temporary
    """

    def __init__(self, program: Path, whole_zoo: Path, folder: Path) -> None:
        self._program, self._whole_zoo, self._folder = program, whole_zoo, folder
        self._zoo, self._place, self._temporary = (folder / name for name in ("zoo", "line", "temporary"))
        adopt_orphans()
        self._is_isolated = isolate()
        self._renew()

    def run(self, line: Line) -> Ending:
        self._empty()
        try:
            code = self._code(line)
        finally:
            left = end_leftovers(_GRACE)
        changes = self._changes()
        changed = [path for path in changes if not self._is_asked_for(path, line)]
        if self._is_isolated:
            left_in_memory = shared_memory.unused()
            changed += map(str, left_in_memory)
            shared_memory.remove(left_in_memory)
        ending = Ending(code, self._read("output"), self._read("errors"), tuple(left), tuple(changed))
        if changes:
            self._renew()
        return ending

    def _code(self, line: Line) -> int | None:
        source = self._place / line.source if line.source else Path(os.devnull)
        with source.open("rb") as read, (self._folder / "errors").open("wb") as errors:
            output = self._output(line)
            try:
                child = Child(
                    [self._program, *line.words],
                    source=read,
                    output=output,
                    errors=errors,
                    folder=self._place,
                    environment={"TMPDIR": str(self._temporary)},
                    limits=_LIMITS,
                )
            finally:
                os.close(output)
            if line.is_endless and not child.has_ended(_SERVED):
                os.kill(child.pid, signal.SIGTERM)
            if not child.has_ended(_TIME_LIMIT):
                os.kill(child.pid, signal.SIGKILL)
                child.finish()
                return None
            return child.finish()

    def _output(self, line: Line) -> int:
        if line.output == "closed":
            reading, writing = os.pipe()
            os.close(reading)
            return writing
        path = self._zoo / "full" if line.output == "full" else self._folder / "output"
        (self._folder / "output").write_bytes(b"")
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def _changes(self) -> list[str]:
        now = zoo.snapshot(self._zoo)
        different = {path for path, state in now.items() if self._snapshot.get(path) != state}
        different |= self._snapshot.keys() - now.keys()
        outside = {entry.path for entry in os.scandir(self._folder)} - self._own
        return sorted(
            os.path.relpath(path, self._folder)
            for path in (*different, *outside, *(entry.path for entry in os.scandir(self._temporary)))
        )

    def _is_asked_for(self, path: str, line: Line) -> bool:
        """Whether it is an output of the line, or lies in one, or leads to one."""
        outputs = [os.path.relpath(self._place / output, self._folder) for output in line.outputs if output]
        return any(
            path == output or path.startswith(f"{output}/") or output.startswith(f"{path}/")
            for output in outputs
        )

    def _read(self, name: str) -> str:
        path = self._folder / name
        if not path.exists():
            return ""
        with path.open("rb") as file:
            return file.read(_READ).decode("utf-8", errors="replace")

    def _empty(self) -> None:
        for place in (self._place, self._temporary):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)

    def _renew(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._empty()
        # Pipes and devices, too, and no file's time changes.
        subprocess.run(["cp", "--archive", self._whole_zoo, self._zoo], check=True)
        for name in ("output", "errors"):
            (self._folder / name).touch()
        self._own = {entry.path for entry in os.scandir(self._folder)}
        self._snapshot = zoo.snapshot(self._zoo)
