"""Which libraries a program in an archive may want, and from whom."""

import shutil
from pathlib import Path

from installation.elf import Wants, dotted, wants
from installation.errors import INVALID_DATA, PackagingError, run

# Every Linux has them: the C library, and the runtime of C++ (for what comes along; the program has its own).
_SYSTEM = (
    *("ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"),
    *("libgcc_s.so.1", "libstdc++.so.6"),
)
# The cluster's own, which knows its network: Open MPI 4 and 5, MPICH and Intel MPI, the ABI of MPI 5.
_MPI = ("libmpi.so.40", "libmpi.so.12", "libmpich.so.12", "libmpi_abi.so.1")
# Debian has no archive of them, so they come along.
_BUNDLED = ("libsimdjson.so",)

# As on Red Hat Enterprise Linux 9 and what is built from it, the oldest systems meant; of libstdc++, as in GCC 8.
LATEST = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 25), "CXXABI": (1, 3, 11)}


def bundle(program: Path, folder: Path) -> list[Path]:
    """Copies what comes along with a program into `folder`, and checks what both want of a system.

    - Returns: the copies.
    - Throws: `PackagingError` for a library that is neither the system's, nor MPI, nor comes along.
    """
    wanted = wants(program)
    check(program.name, wanted)
    copies = []
    for name in sorted(wanted.libraries):
        if not _comes_along(name):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        source = Path(run(["clang", f"-print-file-name={name}"], "Install the library").strip())
        copy = folder / name
        shutil.copyfile(source.resolve(), copy)
        copy.chmod(0o644)
        check(name, wants(copy), bundled=True)
        copies.append(copy)
    return copies


def _comes_along(name: str) -> bool:
    return name.startswith(_BUNDLED)


def check(name: str, wanted: Wants, *, bundled: bool = False) -> None:
    """- Throws: `PackagingError` where a program or a library wants more than systems have."""
    for library in sorted(wanted.libraries):
        allowed = library in _SYSTEM or (not bundled and (library in _MPI or _comes_along(library)))
        if not allowed:
            raise PackagingError(
                INVALID_DATA,
                f"{name} wants {library}, which not every system has",
                "Link it in (STATIC in scripts/installation/program.py) or bundle it (_BUNDLED in scripts/installation/libraries.py)",
            )
    foreign = [path for path in wanted.run_path if not path.startswith("$ORIGIN")]
    if foreign:
        raise PackagingError(
            INVALID_DATA, f"{name} looks for libraries in {', '.join(foreign)}", "Only places beside it move with it"
        )
    for family, limit in LATEST.items():
        version = wanted.versions.get(family, (0,))
        if version > limit:
            raise PackagingError(
                INVALID_DATA,
                f"{name} wants {family} {dotted(version)}, and {dotted(limit)} is the latest allowed",
                f"`objdump -T` names the function of {family}_{dotted(version)}: use another, or raise LATEST in "
                "scripts/installation/libraries.py, docs/installation.md and packaging/archive/README",
            )


def mpi(wanted: Wants) -> str:
    """The library of MPI that a program wants.

    - Throws: `PackagingError`.
    """
    found = sorted(library for library in wanted.libraries if library in _MPI)
    if len(found) != 1:
        raise PackagingError(INVALID_DATA, f"The program wants {len(found)} libraries of MPI", "One was expected")
    return found[0]
