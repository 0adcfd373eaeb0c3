import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from documentation.pages import REPOSITORY
from documentation.tests.program import PROGRAM

_PAGES = ("README.md", "docs/getting-started.md", "docs/evaluation.md")

# What a reader has who follows the pages: texts and questions under the names that the pages use.
_FILES = {
    "letter.txt": "Once upon a time there was a letter. It was running late.\n",
    **dict.fromkeys(
        ("passages.jsonl", "lambada.jsonl"),
        '{"context": "To be, or not to ", "target": "be"}\n{"context": "Good ", "target": "night"}\n',
    ),
    **dict.fromkeys(
        ("questions.jsonl", "arc.jsonl"),
        '{"context": "The sky is", "choices": [" blue", " bread"], "answer": 0}\n',
    ),
    "pairs.jsonl": '{"good": "receive", "bad": "recieve"}\n',
}

# The commands are run as they are, but for the time that training would take, ranks that this machine has not, and a server that
# nobody stops.
_SMALLER = (
    ("configs/small.yaml", "configs/quickstart.yaml"),
    (r"--ranks \d+", "--ranks 2"),
    (r"^(hat-mpirun train --config .*)$", r"\1 --set training.steps=4 --set training.warmup_steps=1"),
    (r"@4000\b", "@4"),
    # It ends, with exit code 0, when it is told to.
    (r"^hat-mpirun (serve .*)$", rf'timeout --preserve-status 10 "{PROGRAM}" \1 --port 0'),
)


def commands(page: str) -> list[str]:
    """The commands of a page in their order, without comments. A command with … is not a whole one.

    `train --hours` is left out: it takes the hours (HoursTests has it).
    """
    text = (REPOSITORY / page).read_text().replace("\\\n", " ")
    lines = (line.split("  #")[0].strip() for line in re.findall(r"^    (.*hat-mpirun .*)$", text, re.MULTILINE))
    starts = ("hat-mpirun ", "echo ", "tail ")
    found = [" ".join(line.split()) for line in lines if line.startswith(starts) and "…" not in line]
    return [command for command in found if not command.startswith("hat-mpirun train --hours")]


def smaller(command: str) -> str:
    for pattern, instead in _SMALLER:
        command = re.sub(pattern, instead, command)
    return command


class TourTests(unittest.TestCase):
    """The pages that a new user follows, one after the other: `swift build -c release` first."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name in ("configs", "data", "docs"):
            (self.folder / name).symlink_to(REPOSITORY / name)
        for name, content in _FILES.items():
            (self.folder / name).write_text(content)
        texts = self.folder / "texts"
        texts.mkdir()
        for page in sorted((REPOSITORY / "docs").glob("*.md"))[:12]:
            shutil.copy(page, texts / f"{page.stem}.txt")
        shutil.copy(REPOSITORY / "data/shakespeare.jsonl.zst", self.folder / "more.jsonl.zst")

    def test_every_command_of_the_pages_succeeds(self) -> None:
        count = 0
        for page in _PAGES:
            if page == "docs/evaluation.md":
                shutil.copytree(self.folder / "runs/mine", self.folder / "runs/baseline")
            for command in commands(page):
                self._run(page, smaller(command))
                count += 1
        self.assertGreater(count, 25)

    def _run(self, page: str, command: str) -> None:
        script = f'hat-mpirun() {{ "{PROGRAM}" "$@"; }}\n{command}\n'
        environment = {**os.environ, "HOME": str(self.folder)}
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(result.returncode, 0, f"{page}: {command}\n{result.stdout}{result.stderr}")
