"""The command line of `scripts/make-debian-package`."""

import os
import shutil
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

from corpus.arguments import Parser
from installation.contents import fill, write_examples, write_licenses, write_manual
from installation.errors import INPUT_MISSING, WRONG_USAGE, PackagingError, run
from installation.program import REPOSITORY, Build, built, commit, commit_time, version

_TEMPLATES = REPOSITORY / "packaging/debian"
_DESCRIPTION = """Builds hat-mpirun with Swift's libraries inside and all others from Debian, and makes a package of it, for the Debian or
Ubuntu that this runs on. lintian checks it. The maintainer is who builds it: DEBFULLNAME and DEBEMAIL, or git's user."""
_HINT = "apt-get install debhelper lintian"


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    parser = Parser(prog="scripts/make-debian-package", description=_DESCRIPTION)
    parser.add_argument("--output", type=Path, default=Path("."), metavar="DIR", help="the folder for the package; default: here")
    options = parser.parse_args(arguments)
    try:
        if os.environ.get("HAT_MPI", "openmpi") != "openmpi":
            raise PackagingError(WRONG_USAGE, "The package is for Debian's Open MPI", "Leave HAT_MPI out")
        maintainer = _maintainer()
        package = make(built(self_contained=False), options.output, maintainer)
    except PackagingError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    print(f"{package} ({package.stat().st_size / 1e6:.0f} MB)")
    return 0


def make(build: Build, output: Path, maintainer: str) -> Path:
    """The package of a program. Every complaint of lintian is an error."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "hat-mpirun"
        lay_out(build, source, maintainer)
        run(["dpkg-buildpackage", "--build=binary", "--unsigned-changes"], _HINT, cwd=source)
        (made,) = Path(folder).glob("*.deb")
        # Debian's archive has rules of its own for who uploads, which do not hold here.
        suppressed = "initial-upload-closes-no-bugs"
        run(["lintian", "--fail-on", "error,warning", "--suppress-tags", suppressed, made], _HINT)
        return Path(shutil.copy(made, output / made.name))


def lay_out(build: Build, source: Path, maintainer: str) -> None:
    """What dpkg-buildpackage is given: `debian`, and the files to install in `tree`."""
    tree = source / "tree"
    share = tree / "usr/share"
    program = tree / "usr/bin/hat-mpirun"
    program.parent.mkdir(parents=True)
    shutil.copyfile(build.program, program)
    program.chmod(0o755)
    write_manual(build, share)
    # Where Debian has completions of zsh.
    (share / "zsh/site-functions").rename(_made(share / "zsh") / "vendor-completions")
    write_examples(share / "hat", configs="/usr/share/hat/configs")
    write_licenses(build, share / "doc/hat-mpirun/licenses", self_contained=False)
    shutil.copy(REPOSITORY / "CHANGELOG.md", source)
    values = {
        "VERSION": version(build.program),
        "MAINTAINER": maintainer,
        "DATE": formatdate(commit_time()),
        "COMMIT": commit(),
    }
    for template in _TEMPLATES.iterdir():
        file = _made(source / "debian") / template.name
        file.write_text(fill(template, values))
        file.chmod(template.stat().st_mode & 0o777)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _maintainer() -> str:
    """As Debian's tools find it.

    - Throws: `PackagingError`.
    """
    found = []
    for variable, key in (("DEBFULLNAME", "user.name"), ("DEBEMAIL", "user.email")):
        try:
            value = os.environ.get(variable) or run(["git", "config", key], "", cwd=REPOSITORY).strip()
        except PackagingError:
            raise PackagingError(
                INPUT_MISSING, f"Neither {variable} nor git's {key} is set", "They name the maintainer of the package"
            ) from None
        found.append(value)
    return f"{found[0]} <{found[1]}>"
