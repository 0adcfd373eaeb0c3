"""A file system with little room, mounted on a folder of its own."""

import subprocess
from pathlib import Path


class SmallDisk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, size: int) -> None:
        """`size` in bytes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(self.folder))

    def resize(self, size: int) -> None:
        _run("mount", "-o", f"remount,size={size}", str(self.folder))

    def unmount(self) -> None:
        """What still uses it keeps it until it ends."""
        _run("umount", "--lazy", str(self.folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
