"""The command line of `scripts/make-archive`."""

import gzip
import hashlib
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from corpus.arguments import Parser
from installation.contents import fill, write_examples, write_licenses, write_manual
from installation.elf import dotted, wants
from installation.errors import PackagingError
from installation.libraries import LATEST, bundle, mpi
from installation.program import REPOSITORY, Build, built, commit, commit_time, strip, version

_TEMPLATES = REPOSITORY / "packaging/archive"
_DESCRIPTION = """Builds hat-mpirun with Swift's libraries inside, and writes hat-VERSION-linux-x86_64.tar.gz: the program, its
manual, presets, a module and licences, in a folder that runs wherever it is unpacked. MPI is not in it."""
_PRESETS = "${HAT_ROOT:?is the folder of the archive}/share/hat/configs"


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    parser = Parser(prog="scripts/make-archive", description=_DESCRIPTION)
    parser.add_argument("--output", type=Path, default=Path("."), metavar="DIR", help="the folder for the archive; default: here")
    options = parser.parse_args(arguments)
    try:
        archive = make(built(self_contained=True), options.output)
    except PackagingError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    print(f"{archive} ({archive.stat().st_size / 1e6:.0f} MB), and its checksum in {archive.name}.sha256")
    return 0


def make(build: Build, output: Path) -> Path:
    """The archive of a program, with its checksum beside it."""
    name = f"hat-{version(build.program)}"
    output.mkdir(parents=True, exist_ok=True)
    archive = output / f"{name}-linux-x86_64.tar.gz"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / name
        lay_out(build, root)
        _pack(root, archive)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n")
    return archive


def lay_out(build: Build, root: Path) -> None:
    """The archive's folder. It is checked that its programs want only what systems have."""
    share = root / "share"
    program = root / "bin/hat-mpirun"
    program.parent.mkdir(parents=True)
    shutil.copyfile(build.program, program)
    program.chmod(0o755)
    strip(program)
    bundle(program, root / "lib")
    write_manual(build, share)
    write_examples(share / "hat", configs=_PRESETS)
    write_licenses(build, share / "doc/hat/licenses", self_contained=True)
    shutil.copy(REPOSITORY / "CHANGELOG.md", share / "doc/hat")
    values = {
        "VERSION": version(build.program),
        "GLIBC": dotted(LATEST["GLIBC"]),
        "MPI": mpi(wants(program)),
        "COMMIT": commit(),
    }
    (root / "README").write_text(fill(_TEMPLATES / "README", values))
    module = share / "modulefiles/hat" / values["VERSION"]
    module.parent.mkdir(parents=True)
    module.write_text(fill(_TEMPLATES / "modulefile", values))


def _pack(root: Path, archive: Path) -> None:
    """The same bytes for the same files: names in order, nobody's, as old as the commit."""
    time = commit_time()

    def unified(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = time
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    # gzip, not zstd: every system has what unpacks it.
    with (
        archive.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=time) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        # `recursive` takes a folder's names in order.
        tar.add(root, arcname=root.name, filter=unified)
