"""The exit codes that the reference promises."""

import re
from functools import cache
from pathlib import Path

from reproduction.machine import ROOT


@cache
def documented_codes(page: Path = ROOT / "docs/cli.md") -> frozenset[int]:
    """Those of the table under the heading "Exit codes"."""
    _, section = page.read_text("utf-8").split("\n## Exit codes\n", maxsplit=1)
    table = section.partition("\n## ")[0]
    return frozenset(int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE))
