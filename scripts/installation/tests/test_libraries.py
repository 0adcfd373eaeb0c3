import subprocess
import tempfile
import unittest
from pathlib import Path

from installation.elf import Wants, wants
from installation.errors import PackagingError
from installation.libraries import bundle, check, mpi
from installation.program import older_glibc
from installation.tests.example import LIKE_AN_ARCHIVE, program


# 6, if nobody gives it arguments.
_CALLS = """
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
int main(int one, char **arguments) {
  double sum = hypot(3e200 * one, 4e200) / 1e200 + hypotf(one, 0);
  printf("%g", arc4random() == arc4random() ? 0 : sum);
}
"""


class LibraryTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_what_a_program_wants(self) -> None:
        wanted = wants(program(self.folder, "-lm", "-lmpi", "-Wl,-rpath,/opt/a:$ORIGIN/b"))
        self.assertLessEqual({"libc.so.6", "libm.so.6", "libmpi.so.40"}, wanted.libraries)
        self.assertEqual(wanted.run_path, ("/opt/a", "$ORIGIN/b"))
        self.assertGreaterEqual(wanted.versions["GLIBC"], (2, 2, 5))
        self.assertEqual(mpi(wanted), "libmpi.so.40")

    def test_versions_that_a_library_defines_are_not_what_it_wants(self) -> None:
        bundle(program(self.folder, *LIKE_AN_ARCHIVE), self.folder)
        library = wants(self.folder / "libsimdjson.so.14")
        self.assertLess(library.versions["GLIBCXX"], (3, 4, 25))

    def test_only_what_comes_along_is_copied(self) -> None:
        copies = bundle(program(self.folder, *LIKE_AN_ARCHIVE), self.folder / "lib")
        self.assertEqual([copy.name.split(".so")[0] for copy in copies], ["libsimdjson"])
        self.assertFalse(copies[0].is_symlink())
        self.assertEqual(list((self.folder / "lib").iterdir()), copies)

    def test_a_library_that_not_every_system_has_is_refused_by_name(self) -> None:
        with self.assertRaisesRegex(PackagingError, r"hat-mpirun wants libz\.so\.1"):
            bundle(program(self.folder, "-lz", *LIKE_AN_ARCHIVE), self.folder / "lib")

    def test_a_place_that_does_not_move_along_is_refused(self) -> None:
        with self.assertRaisesRegex(PackagingError, "looks for libraries in /opt/swift"):
            bundle(program(self.folder, "-Wl,-rpath,/opt/swift"), self.folder / "lib")

    def test_a_later_glibc_is_refused(self) -> None:
        check("hat-mpirun", Wants(frozenset(), (), {"GLIBC": (2, 34)}))
        with self.assertRaisesRegex(PackagingError, r"wants GLIBC 2\.35, and 2\.34 is the latest"):
            check("hat-mpirun", Wants(frozenset(), (), {"GLIBC": (2, 35)}))

    def test_a_function_with_an_earlier_version_is_taken_in_that(self) -> None:
        source = self.folder / "hypot.c"
        source.write_text(_CALLS)
        limits = {}
        for kind, flags in (("plain", []), ("older", older_glibc(self.folder))):
            file = self.folder / kind
            words = [word for flag in flags for word in ("-Xlinker", flag)]
            subprocess.run(["clang", "-fno-builtin", source, "-o", file, *words, "-lm"], check=True)
            self.assertEqual(subprocess.check_output([file], timeout=10), b"6")
            limits[kind] = wants(file).versions["GLIBC"]
        self.assertEqual(limits["older"], (2, 34))
        self.assertEqual(limits["plain"], (2, 36))

    def test_a_library_that_comes_along_may_not_want_mpi(self) -> None:
        with self.assertRaisesRegex(PackagingError, r"libsimdjson wants libmpi\.so\.40"):
            check("libsimdjson", Wants(frozenset({"libmpi.so.40"}), (), {}), bundled=True)

    def test_what_is_no_program(self) -> None:
        file = self.folder / "text"
        file.write_text("text")
        with self.assertRaises(PackagingError):
            wants(file)
