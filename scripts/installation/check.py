"""The command line of `scripts/check-archive`."""

import re
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

from corpus.arguments import Parser
from installation.errors import INVALID_DATA, OUR_FAULT, PackagingError, needed, run
from installation.program import REPOSITORY
from installation.root import fresh, inside

_DESCRIPTION = """Makes a root of Debian 12 with Open MPI and nothing of Swift, installs an archive or a Debian package of hat in it, and
preprocesses, trains on two ranks and exports there. The weights must be those of the build for daily work, to the last bit. Wants root,
debootstrap and Debian's packages; takes minutes, and is therefore not part of continuous integration."""

_CONFIGURATION = """
model: { byte_width: 32, byte_head_size: 16, encoder_layers: 1, decoder_layers: 1, width: 64, layers: 2, head_size: 32 }
data: { sequence_words: 64, sequence_bytes: 512 }
training: { steps: 20, warmup_steps: 2, sequences_per_step: 8, micro_batches: 2 }
"""

# With the program in PATH, in an empty folder with `config.yaml` and `text.jsonl.zst`.
_WORK = """
hat-mpirun --version
hat-mpirun preprocess --output corpus text.jsonl.zst
hat-mpirun train --config config.yaml --data corpus --output run --ranks 2 --mpirun-arguments "--bind-to none --oversubscribe"
hat-mpirun export --checkpoint run --output weights.safetensors
hat-mpirun generate --checkpoint run --prompt "To be" --bytes 20
"""

_ARCHIVE = """
mkdir -p /opt/software
tar -xf /work/hat.tar.gz -C /opt/software --no-same-owner
mv /opt/software/hat-* "/opt/software/moved-elsewhere"
export PATH="/opt/software/moved-elsewhere/bin:$PATH"
"""

_PACKAGE = """
apt-get -qq update
apt-get -qq install --yes --no-install-recommends /work/hat.deb
"""

# Both kinds of modules, one after the other: Debian does not have them together.
_MODULES = """
apt-get -qq update
for kind in environment-modules lmod; do
  apt-get -qq install --yes --no-install-recommends $kind >/dev/null
  case $kind in
    environment-modules) initialization=/etc/profile.d/modules.sh ;;
    lmod) initialization=/usr/share/lmod/lmod/init/bash ;;
  esac
  (
    set +eu
    . $initialization
    module use "/opt/software/moved-elsewhere/share/modulefiles"
    module load hat || exit 1
    set -eu
    [[ "$HAT_ROOT" == "/opt/software/moved-elsewhere" ]]
    [[ "$(command -v hat-mpirun)" == "$HAT_ROOT/bin/hat-mpirun" ]]
    [[ "$(man -w hat-mpirun)" == "$HAT_ROOT/share/man/man1/hat-mpirun.1" ]]
    man -w mpirun >/dev/null
    bash -n "$HAT_ROOT/share/hat/slurm.sbatch"
    set +eu
    module unload hat
    set -eu
    [[ -z "${HAT_ROOT-}" ]]
    ! command -v hat-mpirun
  ) || { echo "The module does not work with $kind"; exit 1; }
  echo "module load hat: works with $kind"
done
"""


_DEFINITION = REPOSITORY / "packaging/apptainer.def"


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    parser = Parser(prog="scripts/check-archive", description=_DESCRIPTION)
    parser.add_argument("file", type=Path, help="what scripts/make-archive or scripts/make-debian-package has made")
    parser.add_argument(
        "--against",
        type=Path,
        default=REPOSITORY / ".build/release/hat-mpirun",
        metavar="PROGRAM",
        help="whose weights are the right ones; default: .build/release/hat-mpirun",
    )
    parser.add_argument("--suite", default="bookworm", metavar="NAME", help="the Debian; default: bookworm")
    parser.add_argument("--mirror", metavar="URL", help="where its packages are; default: where this system has them from")
    options = parser.parse_args(arguments)
    try:
        check(options.file, options.against.resolve(), options.suite, options.mirror)
    except PackagingError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    return 0


def check(file: Path, reference: Path, suite: str, mirror: str | None) -> None:
    """- Throws: `PackagingError` where anything differs from what was expected."""
    kind = _kind(needed(file, "scripts/make-archive makes it"))
    cache = REPOSITORY / ".build-package"
    with fresh(suite, mirror, cache) as root:
        _refuse_swift(root)
        work = root / "work"
        prepare(work)
        shutil.copyfile(file, work / f"hat.{kind}")
        print(inside(root, (_PACKAGE if kind == "deb" else _ARCHIVE) + "cd /work\n" + _WORK))
        if kind == "tar.gz":
            print(inside(root, _MODULES))
        compare(work / "weights.safetensors", reference)
    if kind == "tar.gz":
        with fresh(suite, mirror, cache) as root:
            _run_definition(root, file)
        print("What packaging/apptainer.def does works in a fresh root.")
    print(f"{file.name} works in a fresh {suite}, with the weights of {reference}.")


def _kind(file: Path) -> str:
    for kind in ("tar.gz", "deb"):
        if file.name.endswith(f".{kind}"):
            return kind
    raise PackagingError(INVALID_DATA, f"{file} is neither an archive (.tar.gz) nor a package (.deb)", "Name one of them")


def definition_scripts() -> dict[str, str]:
    """The sections of the Apptainer definition by name."""
    sections = re.split(r"^%(\w+)$", _DEFINITION.read_text(), flags=re.MULTILINE)
    return dict(zip(sections[1::2], map(textwrap.dedent, sections[2::2]), strict=True))


def _run_definition(root: Path, archive: Path) -> None:
    """What Apptainer does with the definition, in a root as the base image is one."""
    scripts = definition_scripts()
    for line in scripts["files"].split("\n"):
        if line:
            source, target = line.split()
            if source != archive.name:
                raise PackagingError(INVALID_DATA, f"{_DEFINITION} copies {source}, not {archive.name}", "Correct it")
            shutil.copyfile(archive, root / target.lstrip("/"))
    print(inside(root, scripts["post"]).splitlines()[-1])
    print(inside(root, scripts["test"]))
    inside(root, f"{scripts['environment']}\nset -- --help\n{scripts['runscript']}")


def _refuse_swift(root: Path) -> None:
    found = run(["find", root, "-name", "libswift*", "-or", "-name", "swift"], "").split()
    if found:
        raise PackagingError(OUR_FAULT, f"The fresh root has {found[0]}", "It was to have nothing of Swift")


def prepare(folder: Path) -> None:
    """What the work reads."""
    folder.mkdir()
    (folder / "config.yaml").write_text(_CONFIGURATION)
    shutil.copyfile(REPOSITORY / "data/shakespeare.jsonl.zst", folder / "text.jsonl.zst")


def compare(weights: Path, reference: Path) -> None:
    """Holds exported weights against those of another program, which does the same work here.

    - Throws: `PackagingError`.
    """
    with tempfile.TemporaryDirectory(prefix="hat-reference-") as folder:
        work = Path(folder) / "work"
        prepare(work)
        needed(reference, "swift build -c release")
        script = f'export PATH="{reference.parent}:$PATH"\n{_WORK}'
        command = ["timeout", "900", "bash", "-euo", "pipefail", "-c", script]
        run(command, "It is the reference that fails", cwd=work)
        if (work / "weights.safetensors").read_bytes() != weights.read_bytes():
            raise PackagingError(INVALID_DATA, "The weights differ from those of the reference", "Are both of the same commit?")
