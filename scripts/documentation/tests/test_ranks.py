import re
import unittest
from collections.abc import Iterator
from pathlib import Path

from documentation.pages import REPOSITORY

_PAGES = (
    *("README.md", "CONTRIBUTING.md", "Benchmarks/README.md"),
    *("docs/*.md", "hostfiles/*", "packaging/**/*", "scripts/slurm.sbatch"),
)

_PRESET = re.compile(r"configs/([\w-]+)\.yaml")
_RANKS = re.compile(r"--ranks ((?:\d+ ?)+)|(?<!\S)-(?:np|n) (\d+)|--ntasks[ =](\d+)")
_NODES = re.compile(r"--nodes[ =](\d+)")
_TASKS_PER_NODE = re.compile(r"--ntasks-per-node[ =](\d+)")
_MICRO_BATCHES = re.compile(r"training\.micro_batches=(\d+)")


class RankTests(unittest.TestCase):
    """Ranks that do not divide the preset's micro-batches are refused: at once, or after hours in a queue."""

    def test_every_command_has_ranks_that_divide_the_micro_batches(self) -> None:
        count = 0
        for file in sorted(path for pattern in _PAGES for path in REPOSITORY.glob(pattern) if path.is_file()):
            for command in _commands(file):
                for preset, ranks in _uses(command):
                    count += 1
                    micro_batches = _micro_batches(preset, command)
                    self.assertEqual(
                        micro_batches % ranks,
                        0,
                        f"{file.relative_to(REPOSITORY)}: {ranks} ranks, {micro_batches} micro-batches\n{command}",
                    )
        self.assertGreater(count, 15)


def _commands(file: Path) -> Iterator[str]:
    """Lines, with those that continue them; a batch script is one command."""
    text = file.read_text("utf-8")
    if text.startswith("#!"):
        yield text
    else:
        yield from re.sub(r"\\\n#?", " ", text).splitlines()


def _uses(command: str) -> Iterator[tuple[str, int]]:
    """Each preset that a command names, with each number of ranks."""
    ranks = [int(number) for match in _RANKS.findall(command) for part in match for number in part.split()]
    if tasks := _TASKS_PER_NODE.search(command):
        nodes = _NODES.search(command)
        ranks.append(int(tasks[1]) * int(nodes[1] if nodes else 1))
    for preset in set(_PRESET.findall(command)):
        for number in ranks:
            yield preset, number


def _micro_batches(preset: str, command: str) -> int:
    if changed := _MICRO_BATCHES.search(command):
        return int(changed[1])
    text = (REPOSITORY / f"configs/{preset}.yaml").read_text()
    stated = re.search(r"^  micro_batches: (\d+)", text, re.MULTILINE)
    assert stated, f"configs/{preset}.yaml has no micro_batches"
    return int(stated[1])
