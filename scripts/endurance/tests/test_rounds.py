import tempfile
import unittest
from pathlib import Path
from typing import cast
from unittest.mock import patch

from endurance.processes import adopt_orphans
from endurance.soak.bench import Bench
from endurance.soak.drawing import Attempt, Damage, Plan, Strike
from endurance.soak.rounds import Report, Round

# Writes its result after a while, and believes what an earlier start has left.
_WORK = """
kept={output}/kept
[ -e $kept ] || echo whole > $kept
if [ "$(cat $kept)" != whole ]; then echo "error: $kept: it is damaged." >&2; exit 65; fi
sleep 0.4
cp $kept {output}/result
"""


class _Bench:
    """In place of a `Bench`: its command is a script that goes by the name of the program."""

    def __init__(self, script: str = _WORK) -> None:
        self._script = script

    def command(self, plan: Plan, place: Path) -> list[str]:
        script = "; ".join(self._script.replace("{output}", str(place / "output")).strip().splitlines())
        return ["bash", "-c", 'exec -a hat-mpirun bash -c "$0"', script]

    def prepare(self, plan: Plan, place: Path) -> None:
        (place / "output").mkdir(parents=True)

    def seconds(self, plan: Plan) -> float:
        return 0.4

    def sizes(self, plan: Plan) -> list[int]:
        return [6, 6]

    def is_finished(self, plan: Plan, place: Path) -> bool:
        return (place / "output/result").exists()

    def differences(self, plan: Plan, place: Path, without_logs: bool) -> list[str]:
        return [] if (place / "output/result").read_text() == "whole\n" else ["result differs"]


class RoundTests(unittest.TestCase):
    def setUp(self) -> None:
        adopt_orphans()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "round"
        for name, seconds in (("_TIME_LIMIT", 3), ("_GRACE", 0.5)):
            limit = patch(f"endurance.soak.rounds.{name}", seconds)
            limit.start()
            self.addCleanup(limit.stop)

    def perform(self, *attempts: Attempt, script: str = _WORK) -> Report:
        plan = Plan(1, "train", ranks=1, nodes=1, zero_stage=1, attempts=attempts)
        report = Round(cast(Bench, _Bench(script)), plan, self.folder, is_isolated=False).perform()
        self.assertEqual(self.folder.exists(), bool(report.failures))
        return report

    def strike(self, signal: str, pause: float = 0) -> Attempt:
        return Attempt((Strike(signal, "supervisor", at=0.5, choice=0, pause=pause),))

    def test_what_is_killed_or_stopped_for_a_while_and_run_again_is_well(self) -> None:
        report = self.perform(self.strike("KILL"), self.strike("STOP", pause=0.2), self.strike("TERM"))
        self.assertEqual(report.failures, [])
        self.assertEqual(dict(report.events), {f"{name} supervisor": 1 for name in ("KILL", "STOP", "TERM")})

    def test_a_process_that_is_not_there_is_not_hit(self) -> None:
        report = self.perform(Attempt((Strike("KILL", "rank", at=0.5, choice=0),)))
        self.assertEqual((report.failures, dict(report.events)), ([], {}))

    def test_another_result_is_a_failure(self) -> None:
        report = self.perform(self.strike("KILL"), script="sleep 0.4; echo other > {output}/result")
        self.assertEqual(report.failures, ["result differs"])

    def test_so_are_other_exit_codes(self) -> None:
        for code, said in ((3, "undocumented exit code <3>"), (73, "unexpected exit code <73>")):
            report = self.perform(script=f"echo error: no >&2; exit {code}")
            self.assertEqual(report.failures, [f"{said}: error: no"])

    def test_and_a_hang(self) -> None:
        report = self.perform(script="echo 10 %; sleep 65")
        self.assertEqual(report.failures, ["no end within the time limit: 10 %"])

    def test_and_a_process_left_behind(self) -> None:
        report = self.perform(script="setsid sleep 66 & echo whole > {output}/result")
        self.assertEqual(report.failures, ["left behind: sleep 66"])

    def test_a_full_disk_is_said_and_without_one_a_limit_stands_for_it(self) -> None:
        # The shell ignores the signal, as the program does.
        script = "trap '' XFSZ; head -c 6 /dev/zero > {output}/kept || exit 73; echo whole > {output}/result"
        report = self.perform(Attempt(room=0.5), script=script)
        self.assertEqual((report.failures, dict(report.events)), ([], {"full disk": 1}))
        report = self.perform(Attempt(room=1), script=script)
        self.assertEqual((report.failures, dict(report.events)), ([], {"disk large enough": 1}))

    def test_damage_is_found_and_mended(self) -> None:
        damage = Damage("flipped", file=0, place=0.5, bit=0)
        report = self.perform(Attempt(self.strike("KILL").strikes, damage=damage))
        self.assertEqual(report.failures, [])
        self.assertEqual(report.events["damage found"], 1)

    def test_what_a_killed_start_has_finished_is_not_damaged(self) -> None:
        damage = Damage("flipped", file=0, place=0.5, bit=0)
        attempt = Attempt(self.strike("KILL").strikes, damage=damage)
        report = self.perform(attempt, script="echo whole > {output}/result; sleep 0.4; true")
        self.assertEqual((report.failures, dict(report.events)), ([], {"KILL supervisor": 1}))

    def test_damage_that_is_not_named_or_not_found_is_a_failure(self) -> None:
        damage = Damage("flipped", file=0, place=0.5, bit=0)
        attempt = Attempt(self.strike("KILL").strikes, damage=damage)
        unnamed = _WORK.replace("$kept: it is damaged", "something is damaged")
        report = self.perform(attempt, script=unnamed)
        self.assertEqual(report.failures, ["a damaged kept is not named: error: something is damaged."])
        report = self.perform(attempt, script=_WORK.replace("!= whole", "= nothing"))
        self.assertEqual(report.failures, ["result differs"])
