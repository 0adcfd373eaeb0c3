"""A file system with little room, mounted on a folder of its own."""

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path


class SmallDisk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, size: int) -> bool:
        """Whether the operating system allows it. `size` in bytes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return _succeeds("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(self.folder))

    def resize(self, size: int) -> None:
        _succeeds("mount", "-o", f"remount,size={size}", str(self.folder))

    def unmount(self) -> None:
        """What still uses it keeps it until it ends."""
        if os.path.ismount(self.folder):
            _succeeds("umount", "--lazy", str(self.folder))


@cache
def may_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        disk = SmallDisk(Path(folder) / "disk")
        allowed = disk.mount(1 << 16)
        disk.unmount()
        return allowed


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0
