"""A round: starts, disturbances, the end, and the comparison."""

import os
import resource
import shlex
import shutil
import signal
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from corpus.errors import Failure
from endurance import shared_memory
from endurance.codes import documented_codes
from endurance.journal import Entry
from endurance.processes import Child, end_leftovers
from endurance.soak.bench import Bench
from endurance.soak.damage import DamagedFile, damaged
from endurance.soak.disk import SmallDisk
from endurance.soak.drawing import ORDERLY, Attempt, Plan, Strike
from endurance.soak.targets import target

# Seconds: of one start, however loaded the machine is, and of what it leaves behind.
_TIME_LIMIT = 240.0
_GRACE = 10.0
# Seconds that a strike waits for its process, such as a rank while a job starts.
_PATIENCE = 3.0
_ROOM = 256 << 20
# Damage may be reported as bad input, as missing input, or as a configuration that is not the run's.
_FOUND_DAMAGE = frozenset((65, 66, 78))


@dataclass
class Report:
    """What happened in a round, and what should not have."""

    events: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def entry(self, plan: Plan, seconds: float) -> Entry:
        return {
            **asdict(plan),
            "round": plan.number,
            "seconds": round(seconds, 1),
            "events": dict(self.events),
            "failures": self.failures,
        }


class Round:
    def __init__(self, bench: Bench, plan: Plan, folder: Path, is_isolated: bool) -> None:
        self._bench, self._plan, self._folder, self._is_isolated = bench, plan, folder, is_isolated
        self._report = Report()
        self._damage: DamagedFile | None = None
        self._is_without_logs = False
        self._starts = 0

    def perform(self) -> Report:
        """Leaves its folder, with the output of every start, only if something failed."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._place = self._folder
        disk = self._mounted()
        try:
            self._bench.prepare(self._plan, self._place)
            for attempt in self._plan.attempts:
                self._attempt(attempt, disk)
            self._finish()
            if self._is_isolated:
                self._look_for_memory()
            if disk and self._report.failures:
                shutil.copytree(disk.folder, self._folder / "kept", symlinks=True)
        finally:
            if disk:
                disk.unmount()
        if not self._report.failures:
            shutil.rmtree(self._folder)
        return self._report

    def _mounted(self) -> SmallDisk | None:
        """A disk for the round's files, if one of its attempts is to fill it."""
        if not self._is_isolated or all(attempt.room is None for attempt in self._plan.attempts):
            return None
        disk = SmallDisk(self._folder / "disk")
        disk.mount(_ROOM)
        self._place = disk.folder
        return disk

    def _attempt(self, attempt: Attempt, disk: SmallDisk | None) -> None:
        limits = {}
        if attempt.room is not None:
            sizes = self._bench.sizes(self._plan)
            if disk:
                disk.resize(max(1 << 16, _used(disk.folder) + int(attempt.room * sum(sizes))))
            else:
                limits = {resource.RLIMIT_FSIZE: int(attempt.room * max(sizes))}
        code, delivered, errors = self._start(attempt.strikes, limits)
        if disk:
            disk.resize(_ROOM)
        allowed = {0, *self._codes(delivered, has_begun=bool(_last_line(errors)))}
        if attempt.room is not None:
            allowed.add(73)
            self._report.events["full disk" if code == 73 else "disk large enough"] += 1
        self._judge(code, allowed, errors)
        if attempt.damage and self._may_damage():
            self._damage = damaged([self._place / "output", self._place / "corpus"], attempt.damage)
            if self._damage:
                self._report.events[f"file {self._damage.kind}"] += 1
                self._is_without_logs |= self._damage.is_log

    def _may_damage(self) -> bool:
        """A finished corpus, or file of weights, is left as it is: nobody looks for damage in it. A supervisor may be
        killed after its ranks have finished."""
        return self._damage is None and not self._bench.is_finished(self._plan, self._place)

    def _finish(self) -> None:
        """The same command, left alone; if it finds a damage, once more with the file restored."""
        code, _, errors = self._start((), {})
        if self._judge(code, {0}, errors):
            code, _, errors = self._start((), {})
            self._judge(code, {0}, errors)
        if code == 0:
            if self._damage:
                self._report.events["damage survived"] += 1
            self._compare()

    def _look_for_memory(self) -> None:
        """What is left where no process was left to remove it, the next start of ranks removes."""
        left = shared_memory.unused()
        if left and self._plan.nodes == 1:
            self._report.events["shared memory left"] += 1
            shared_memory.make_old(left)
            self._start((), {})
            left = shared_memory.unused()
            self._report.failures += [f"left behind: {file}" for file in left]
        # Those of hosts that were made for a round are nobody's.
        shared_memory.remove(left)

    def _compare(self) -> None:
        try:
            found = self._bench.differences(self._plan, self._place, self._is_without_logs)
        except Failure as error:
            found = [f"the result cannot be read: {error}"]
        self._report.failures += found

    def _judge(self, code: int | None, allowed: set[int], errors: str) -> bool:
        """Whether it ended because it found the damage, which is then mended."""
        if code in allowed:
            return False
        said = _last_line(errors)
        if self._damage and code in _FOUND_DAMAGE:
            self._report.events["damage found"] += 1
            if not self._damage.is_named_in(errors):
                self._report.failures.append(f"a damaged {self._damage.path.name} is not named: {said}")
            self._damage.restore()
            self._damage = None
            return True
        if code is None:
            self._report.failures.append(f"no end within the time limit: {said}")
        elif code < 0:
            self._report.failures.append(f"ended by {signal.Signals(-code).name}: {said}")
        else:
            promise = "unexpected" if code in documented_codes() else "undocumented"
            self._report.failures.append(f"{promise} exit code <{code}>: {said}")
        return False

    def _codes(self, delivered: list[Strike], has_begun: bool) -> set[int]:
        """The exit codes that this may lead to. `has_begun`: the program had come to say something."""
        found: set[int] = set()
        for strike in delivered:
            number = getattr(signal, f"SIG{strike.signal}")
            # The shell of scripts/two-nodes says 128 + the signal.
            ended_by_it = {-number, 128 + number}
            if strike.signal in ORDERLY:
                found.add(75)
                if len(delivered) > 1:
                    # A second signal ends it at once.
                    found.add(70)
                if len(delivered) > 1 or not has_begun or self._plan.scenario != "train":
                    found |= ended_by_it
            elif strike.signal != "STOP":
                found |= ended_by_it if strike.target == "supervisor" else {70}
        return found

    def _start(
        self, strikes: tuple[Strike, ...], limits: dict[int, int]
    ) -> tuple[int | None, list[Strike], str]:
        """The exit code (None at the time limit), which strikes met a process, and what was said."""
        self._starts += 1
        log = self._folder / f"start-{self._starts}.log"
        delivered = []
        # Open MPI's own files are below it: whatever is left there goes with the round.
        temporary = self._folder / "tmp"
        temporary.mkdir(exist_ok=True)
        command, seconds = self._bench.command(self._plan, self._place), self._bench.seconds(self._plan)
        with log.open("w") as errors:
            errors.write(f"$ {shlex.join(command)}\n")
            errors.flush()
            start = time.monotonic()
            child = Child(
                command, output=errors, errors=errors, environment={"TMPDIR": str(temporary)}, limits=limits
            )
            for strike in strikes:
                moment = start + strike.at * seconds
                if child.has_ended(moment - time.monotonic()):
                    break
                if self._deliver(strike, child):
                    delivered.append(strike)
                    errors.write(f"# {strike}\n")
                    errors.flush()
            code: int | None = None
            if child.has_ended(_TIME_LIMIT):
                code = child.finish()
        left = end_leftovers(_GRACE if code is not None else 0)
        if code is not None:
            self._report.failures += [f"left behind: {words[:100]}" for words in left[:1]]
        else:
            child.forget()
        return code, delivered, _said(log)

    def _deliver(self, strike: Strike, child: Child) -> bool:
        pid = target(child.pid, strike)
        limit = time.monotonic() + _PATIENCE
        while pid is None and time.monotonic() < limit and not child.has_ended(0.02):
            pid = target(child.pid, strike)
        if pid is None:
            return False
        try:
            os.kill(pid, getattr(signal, f"SIG{strike.signal}"))
            if strike.signal == "STOP":
                child.has_ended(strike.pause)
                os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            return False
        self._report.events[f"{strike.signal} {strike.target}"] += 1
        return True


def _used(folder: Path) -> int:
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def _said(log: Path) -> str:
    """What the command wrote, without what this program has: its start, and what it was struck by."""
    text = log.read_text("utf-8", errors="replace").replace("\r", "\n")
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith(("$ ", "# ")))


def _last_line(errors: str) -> str:
    """The last line that reports an error, or else the last one."""
    lines = [line.strip() for line in errors.splitlines()]
    telling = [line for line in lines if line.lower().startswith(("error", "fatal"))]
    return (telling or lines or [""])[-1][:300]
