"""What no tool here builds is at least held to the rest of the repository."""

import ast
import re
import tempfile
import unittest
from pathlib import Path

from installation.check import definition_scripts
from installation.debian import lay_out
from installation.program import REPOSITORY
from installation.tests.example import build

_PACKAGE = REPOSITORY / "packaging/spack/spack_repo/hat/packages/hat/package.py"


def _current() -> str:
    source = (REPOSITORY / "Sources/HATCore/Checkpoint/CodeVersion.swift").read_text()
    found = re.search(r"enum CodeVersion \{\s*public static let current = \"(.*)\"", source)
    assert found
    return found[1]


class RecipeTests(unittest.TestCase):
    def test_recipes_and_page_name_the_archive_of_this_version(self) -> None:
        for file in (_PACKAGE, REPOSITORY / "packaging/apptainer.def", REPOSITORY / "docs/installation.md"):
            versions = set(re.findall(r"\bhat[-/_](\d+\.\d+\.\d+)", file.read_text()))
            self.assertEqual(versions, {_current()}, file)

    def test_spack(self) -> None:
        tree = ast.parse(_PACKAGE.read_text())
        stated = [
            ast.literal_eval(node.args[0])
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "version"
        ]
        self.assertEqual(stated, [_current()])

    def test_apptainer(self) -> None:
        scripts = definition_scripts()
        self.assertLessEqual({"files", "post", "environment", "runscript", "test"}, scripts.keys())
        self.assertIn("tar --extract --file /opt/hat.tar.gz", scripts["post"])

    def test_debian(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source"
            lay_out(build(Path(folder)), source, "A. Person <person@example.org>")
            self.assertIn("hat-mpirun (1.2.3-1)", (source / "debian/changelog").read_text())
            self.assertIn("Maintainer: A. Person <person@example.org>", (source / "debian/control").read_text())
            self.assertTrue((source / "debian/rules").stat().st_mode & 0o100)
            job = (source / "tree/usr/share/hat/slurm.sbatch").read_text()
            self.assertIn("/usr/share/hat/configs/base.yaml", job)
            self.assertTrue((source / "tree/usr/share/zsh/vendor-completions/_hat-mpirun").is_file())
