"""A fresh Debian in a folder, with an MPI and nothing of Swift."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installation.errors import INPUT_MISSING, INVALID_DATA, OUR_FAULT, PackagingError, run

_HINT = "apt-get install debootstrap, and look whether this machine reaches Debian's packages"
# mpirun asks for ssh as soon as it starts, also on one machine.
_PACKAGES = "openmpi-bin,openssh-client,man-db"

# The namespaces take mounts and processes with them when the command ends, however it ends.
_ENTER = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mount --rbind /sys "$0/sys"
mount -t tmpfs tmpfs "$0/dev/shm"
exec chroot "$0" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \\
  DEBIAN_FRONTEND=noninteractive timeout --kill-after=10 900 bash -euo pipefail -c "$1"
"""


@contextmanager
def fresh(suite: str, mirror: str | None, cache: Path) -> Iterator[Path]:
    """A copy of a root, which is removed in the end. The root itself is made once, in `cache`.

    - Throws: `PackagingError`.
    """
    if os.geteuid() != 0:
        raise PackagingError(INPUT_MISSING, "Only root may make a root of another system", "Run it with sudo, or in a container")
    pristine = cache / f"root-{suite}"
    if not pristine.exists():
        _make(suite, mirror or _own_mirror(), pristine)
    with tempfile.TemporaryDirectory(prefix="hat-root-") as folder:
        root = Path(folder) / "root"
        run(["cp", "--archive", "--reflink=auto", pristine, root], "See what cp says")
        # What resolves names here does so there.
        for name in ("resolv.conf", "hosts"):
            shutil.copyfile(Path("/etc") / name, root / "etc" / name)
        yield root


def inside(root: Path, script: str) -> str:
    """What a script prints that runs with a root as its whole file system.

    - Throws: `PackagingError` with the end of what it printed, if it fails.
    """
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-euc", _ENTER, root, script]
    result = subprocess.run(
        [str(word) for word in command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if result.returncode != 0:
        said = "\n".join(result.stdout.splitlines()[-25:])
        raise PackagingError(
            OUR_FAULT,
            f"In the fresh root, a step ended with exit code {result.returncode}:\n{said}\n",
            "It is the one that the last output belongs to",
        )
    return result.stdout


def _make(suite: str, mirror: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(half, ignore_errors=True)
    run(["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", suite, half, mirror], _HINT)
    half.rename(folder)


def _own_mirror() -> str:
    """Where this Debian's packages come from."""
    sites = run(["apt-get", "indextargets", "--format", "$(SITE)", "Origin: Debian"], _HINT).split()
    if not sites:
        raise PackagingError(INVALID_DATA, "This system has no lists of Debian's packages", "`apt-get update`, or name a --mirror")
    return sites[0]
