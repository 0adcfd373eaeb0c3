"""What comes with the program, as an installed system has it under `share`."""

import json
import os
import re
import shutil
from pathlib import Path

from installation.errors import OUR_FAULT, PackagingError, needed, run
from installation.program import REPOSITORY, STATIC, Build, archive_of, commit_time

_TOOLCHAIN_LICENSE = "share/swift/LICENSE.txt"
# Debian's package of headers and archive, whose copyright file goes with what is linked in.
_ORIGINS = {
    "zstd": "libzstd-dev",
    "xxhash": "libxxhash-dev",
    "z": "zlib1g-dev",
    "stdc++": "libstdc++6",
    "snappy": "libsnappy-dev",
    "simdjson": "libsimdjson-dev",
    "xsmm": "libxsmm-dev",
}


def write_manual(build: Build, share: Path) -> None:
    """Manual pages and completions."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(commit_time())}
    command = [REPOSITORY / "scripts/generate-manual", share, build.program.parent]
    run(command, "See what it says above", env=environment)


def write_examples(folder: Path, *, configs: str) -> None:
    """Presets and the job for Slurm.

    - Parameter configs: where the job finds the presets, as the shell reads it.
    """
    shutil.copytree(REPOSITORY / "configs", folder / "configs")
    job = (REPOSITORY / "scripts/slurm.sbatch").read_text()
    for here, there in (
        ("sbatch scripts/slurm.sbatch", "sbatch slurm.sbatch"),
        ("${CONFIGURATION:-configs/", "${CONFIGURATION:-" + configs + "/"),
        ("${PROGRAM:-.build/release/hat-mpirun}", "${PROGRAM:-hat-mpirun}"),
    ):
        if here not in job:
            raise PackagingError(OUR_FAULT, f"scripts/slurm.sbatch has no {here!r}", "Correct scripts/installation/contents.py")
        job = job.replace(here, there)
    (folder / "slurm.sbatch").write_text(job)
    (folder / "slurm.sbatch").chmod(0o755)


def write_licenses(build: Build, folder: Path, *, self_contained: bool) -> None:
    """Of hat, of its Swift packages, of Swift's libraries, and of the libraries that are linked in or come along."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPOSITORY / "LICENSE", folder / "hat")
    for checkout in sorted(path for path in build.checkouts.iterdir() if path.is_dir()):
        licenses = sorted(checkout.glob("LICENSE*"))
        if not licenses:
            raise PackagingError(OUR_FAULT, f"{checkout} has no licence", "Look where it says what it permits")
        shutil.copyfile(licenses[0], folder / checkout.name)
    shutil.copyfile(needed(_toolchain() / _TOOLCHAIN_LICENSE, "Swift's toolchain has it"), folder / "swift")
    # Foundation contains ICU, whose licence the toolchain does not have.
    shutil.copyfile(REPOSITORY / "packaging/licenses/unicode", folder / "icu")
    libraries = ["xsmm"]
    if self_contained:
        libraries += ["simdjson", *filter(archive_of, STATIC)]
    for library in libraries:
        file = Path("/usr/share/doc") / _ORIGINS[library] / "copyright"
        shutil.copyfile(needed(file, "Archives are made on Debian and Ubuntu"), folder / _ORIGINS[library])


def _toolchain() -> Path:
    """The `usr` that `swift` is in."""
    target = json.loads(run(["swift", "-print-target-info"], "Install Swift"))
    return Path(target["paths"]["runtimeResourcePath"]).parents[1]


def fill(template: Path, values: dict[str, str]) -> str:
    """A file of packaging, with values for its @NAMES@.

    - Throws: `PackagingError` where a name has no value.
    """
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    left = re.findall(r"@[A-Z]+@", text)
    if left:
        raise PackagingError(OUR_FAULT, f"{template} has {left[0]}, which nothing replaces", "Correct it")
    return text
