"""hat-mpirun as it is given to others: with Swift's libraries inside."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from installation.errors import INVALID_DATA, PackagingError, needed, run

REPOSITORY = Path(__file__).resolve().parents[2]

# Its own: with other flags, the build for daily work would be made anew each time.
_BUILD = REPOSITORY / ".build-package"
_HINT = "See what the command says above; scripts/install-dependencies installs what hat is built on"

# Libraries that clusters may lack, or have in other versions. Debian has them as archives too.
STATIC = ("zstd", "xxhash", "z", "snappy", "stdc++")
# Functions with a version that is later than the oldest glibc meant.
_WRAPPED = ("hypot", "hypotf", "arc4random")
_OLDER_GLIBC = REPOSITORY / "packaging/archive/older_glibc.c"


@dataclass(frozen=True)
class Build:
    """Where the program is, the tool that writes its manual, and the sources of its Swift packages."""

    program: Path
    manual_tool: Path
    checkouts: Path


def built(*, self_contained: bool) -> Build:
    """Builds the program. A second kind takes a link only.

    - Parameter self_contained: libraries that Debian has as archives are linked in, and others are looked for in `lib` beside the
      program's folder. Otherwise all but Swift's are those of the system.
    """
    arguments = ["--configuration", "release", "--scratch-path", _BUILD, "--static-swift-stdlib"]
    # Nobody else has a toolchain where this one is, and libraries beside the program.
    arguments += ["--disable-local-rpath", "-Xswiftc", "-no-toolchain-stdlib-rpath"]
    if self_contained:
        archives = _archives()
        arguments += _linker(f"-L{archives}", "-rpath=$ORIGIN/../lib", *older_glibc(archives))
        # MPI may be linked with another version of the same library: each keeps to its own.
        arguments += _linker("--exclude-libs=ALL")
    environment = {**os.environ, "HAT_COMMIT": commit()}
    for product in ("hat-mpirun", "generate-manual"):
        run(["swift", "build", *arguments, "--product", product], _HINT, cwd=REPOSITORY, env=environment)
    folder = _BUILD / "release"
    return Build(folder / "hat-mpirun", folder / "generate-manual", _BUILD / "checkouts")


def older_glibc(folder: Path) -> list[object]:
    """What a linker is told so that newer versions of functions are not wanted; an object file for it comes into `folder`."""
    file = folder / "older_glibc.o"
    run(["clang", "-O2", "-fPIC", "-c", _OLDER_GLIBC, "-o", file], _HINT)
    return [file, *(f"--wrap={name}" for name in _WRAPPED)]


def _linker(*flags: object) -> list[object]:
    return [word for flag in flags for word in ("-Xlinker", flag)]


def _archives() -> Path:
    """A folder of archives alone: a linker that looks there first links them in."""
    folder = _BUILD / "archives"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in STATIC:
        if file := archive_of(name):
            (folder / f"lib{name}.a").symlink_to(file)
    return folder


def archive_of(library: str) -> Path | None:
    """The file that a library is linked in from, if this system has one."""
    file = Path(run(["clang", f"-print-file-name=lib{library}.a"], _HINT).strip())
    return file.resolve() if file.is_absolute() else None


def strip(program: Path) -> None:
    """Takes debug information out, and leaves the names of functions: a backtrace has them."""
    run(["strip", "--strip-debug", program], "Install binutils")


def version(program: Path) -> str:
    """Of a program that runs here.

    - Throws: `PackagingError`.
    """
    said = run([needed(program, "Build it"), "--version"], "It must run on this machine")
    return parsed_version(said)


def parsed_version(said: str) -> str:
    found = re.match(r"hat (\d+\.\d+\.\d+\S*)", said)
    if not found:
        raise PackagingError(INVALID_DATA, f"`hat-mpirun --version` says {said!r}", "`hat 1.2.3` was expected")
    return found[1]


def commit() -> str:
    """The commit that is built, as `hat-mpirun --version` names it."""
    stated = os.environ.get("HAT_COMMIT")
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    return stated or run(describe, "Run this in a clone of hat, or set HAT_COMMIT", cwd=REPOSITORY).strip()


def commit_time() -> int:
    """Seconds since 1970 of the commit that is built: files in an archive have it, so that two archives of one commit agree."""
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    if stated:
        return int(stated)
    return int(run(["git", "log", "-1", "--format=%ct"], "Run this in a clone of hat", cwd=REPOSITORY))
