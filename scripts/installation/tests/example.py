"""A program that stands for hat-mpirun, with the libraries that hat has, and what a build of it leaves."""

import subprocess
from pathlib import Path

from installation.program import Build

_SOURCE = """
#include <stdio.h>
#include <string.h>
int main(int count, char **arguments) {
  if (count > 1 && !strcmp(arguments[1], "--generate-completion-script")) puts("#!/bin/bash\\n# completions");
  else puts("hat 1.2.3\\nmore about it");
}
"""

# Pages as swift-argument-parser writes them; the last is of a command that is not shown.
_MANUAL_TOOL = """#!/bin/sh
# generate-manual PROGRAM --multi-page --output-directory FOLDER --date DATE
page() {
  printf '.Dd %s\\n.Dt T 1\\n.Os\\n.Sh NAME\\n.Nm "%s"\\n%s.Sh SYNOPSIS\\n.Nm\\n.Sh DESCRIPTION\\nOne.\\n\\nTwo.\\n' "$day" "$1" "$2"
}
"$1" --version >/dev/null || exit 1
day=$6
cd "$4"
page "hat-mpirun" '.Nd "Train models."
' > hat-mpirun.1
page "hat-mpirun inspect words" '.Nd "Show words."
' > hat-mpirun.inspect.words.1
page "hat-mpirun hidden" '' > hat-mpirun.hidden.1
"""

LIKE_AN_ARCHIVE = ("-lmpi", "-lsimdjson", "-Wl,-rpath,$ORIGIN/../lib")


def program(folder: Path, *flags: str) -> Path:
    """Linked with all that is named, needed or not."""
    file = folder / "hat-mpirun"
    command = ["clang", "-x", "c", "-", "-o", file, "-Wl,--no-as-needed", *flags]
    subprocess.run(command, check=True, input=_SOURCE, text=True)
    return file


def build(folder: Path, *flags: str) -> Build:
    tool = folder / "generate-manual"
    tool.write_text(_MANUAL_TOOL)
    tool.chmod(0o755)
    checkout = folder / "checkouts/swift-example"
    checkout.mkdir(parents=True)
    (checkout / "LICENSE.txt").write_text("As you like.\n")
    return Build(program(folder, *flags), tool, folder / "checkouts")
