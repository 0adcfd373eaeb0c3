import re
import subprocess
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

from installation.archive import make
from installation.errors import PackagingError
from installation.program import REPOSITORY, parsed_version
from installation.tests.example import LIKE_AN_ARCHIVE, build


class ArchiveTests(unittest.TestCase):
    folder: Path
    archive: Path

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.build = build(cls.folder, *LIKE_AN_ARCHIVE)
        cls.archive = make(cls.build, cls.folder / "out")
        subprocess.run(["tar", "-xf", cls.archive, "-C", cls.folder], check=True)
        cls.root = (cls.folder / "hat-1.2.3").rename(cls.folder / "moved elsewhere")

    def test_contents(self) -> None:
        for name in (
            "README",
            "bin/hat-mpirun",
            "share/man/man1/hat-mpirun.1",
            "share/bash-completion/completions/hat-mpirun",
            "share/zsh/site-functions/_hat-mpirun",
            "share/fish/vendor_completions.d/hat-mpirun.fish",
            "share/hat/configs/base.yaml",
            "share/hat/slurm.sbatch",
            "share/modulefiles/hat/1.2.3",
            *(f"share/doc/hat/{name}" for name in ("CHANGELOG.md", "licenses/hat", "licenses/swift", "licenses/swift-example")),
            *(f"share/doc/hat/licenses/{name}" for name in ("icu", "libxsmm-dev", "libsimdjson-dev")),
        ):
            self.assertTrue((self.root / name).is_file(), name)
        self.assertEqual({path.name for path in self.root.iterdir()}, {"README", "bin", "lib", "share"})

    def test_pages_can_be_found_and_read(self) -> None:
        folder = self.root / "share/man/man1"
        self.assertEqual({page.name for page in folder.iterdir()}, {"hat-mpirun.1", "hat-mpirun.inspect.words.1"})
        lines = (folder / "hat-mpirun.inspect.words.1").read_text().splitlines()
        self.assertIn(".Nm hat-mpirun.inspect.words", lines)
        self.assertIn('.Nm "hat-mpirun inspect words"', lines)
        self.assertIn(".Nd Show words.", lines)
        self.assertEqual(lines[-3:], ["One.", ".Pp", "Two."])

    def test_a_folder_that_was_moved_runs_with_its_own_libraries(self) -> None:
        program = self.root / "bin/hat-mpirun"
        self.assertIn("hat 1.2.3", subprocess.check_output([program], text=True))
        found = subprocess.check_output(["ldd", program], text=True)
        place = re.search(r"libsimdjson\.so\.\d+ => (.*) \(", found)
        assert place, found
        self.assertEqual(Path(place[1]).resolve().parent, self.root / "lib")

    def test_no_file_knows_where_it_was_made(self) -> None:
        for path in self.root.rglob("*"):
            if path.is_file():
                self.assertNotIn(str(REPOSITORY).encode(), path.read_bytes(), path)

    def test_the_same_files_give_the_same_bytes(self) -> None:
        # As on another day.
        time.sleep(1.1)
        again = make(self.build, self.folder / "again")
        self.assertEqual(again.read_bytes(), self.archive.read_bytes())
        command = ["sha256sum", "--check", f"{again.name}.sha256"]
        subprocess.run(command, check=True, cwd=again.parent, stdout=subprocess.DEVNULL)

    def test_files_are_roots(self) -> None:
        with tarfile.open(self.archive) as archive:
            for entry in archive:
                self.assertEqual((entry.uid, entry.gid), (0, 0))
                self.assertIn(entry.mode, (0o644, 0o755))
                self.assertTrue(entry.isfile() or entry.isdir(), entry.name)

    def test_the_job_finds_program_and_presets(self) -> None:
        job = self.root / "share/hat/slurm.sbatch"
        subprocess.run(["bash", "-n", job], check=True)
        text = job.read_text()
        self.assertNotIn(".build", text)
        assigned = re.search(r"^configuration=.*$", text, flags=re.MULTILINE)
        assert assigned
        script = f'{assigned[0]}; test -f "$configuration"'
        subprocess.run(["bash", "-euc", script], check=True, env={"HAT_ROOT": str(self.root)})
        refused = subprocess.run(["bash", "-euc", script], check=False, env={}, capture_output=True, text=True)
        self.assertIn("HAT_ROOT: is the folder of the archive", refused.stderr)

    def test_the_readme_says_what_was_built(self) -> None:
        text = (self.root / "README").read_text()
        self.assertIn("hat 1.2.3", text)
        self.assertIn("libmpi.so.40 where the system", text)
        self.assertIn("glibc 2.34", text)

    def test_a_library_too_many_makes_no_archive(self) -> None:
        folder = self.folder / "other"
        folder.mkdir()
        with self.assertRaisesRegex(PackagingError, "libzstd"):
            make(build(folder, "-lzstd", *LIKE_AN_ARCHIVE), folder / "out")
        self.assertEqual(list((folder / "out").iterdir()), [])

    def test_versions(self) -> None:
        self.assertEqual(parsed_version("hat 0.2.0-rc.1\n"), "0.2.0-rc.1")
        with self.assertRaises(PackagingError):
            parsed_version("Killed")
