"""A file at rest that is damaged, and made whole again once the damage has been found."""

from pathlib import Path

from endurance.soak.drawing import Damage


class DamagedFile:
    def __init__(self, path: Path, damage: Damage) -> None:
        self.path, self.kind = path, damage.kind
        self._whole = path.read_bytes()
        place = int(damage.place * len(self._whole))
        if damage.kind == "cut":
            path.write_bytes(self._whole[:place])
        else:
            byte = self._whole[place] ^ (1 << damage.bit)
            path.write_bytes(self._whole[:place] + bytes([byte]) + self._whole[place + 1 :])

    @property
    def is_log(self) -> bool:
        """A line of a log has no checksum: that a digit of it was changed cannot be found."""
        return self.path.suffix == ".jsonl"

    def is_named_in(self, message: str) -> bool:
        """The file, or the checkpoint or corpus that it belongs to."""
        return self.path.name in message or self.path.parent.name in message

    def restore(self) -> None:
        """If it is still there: a damaged checkpoint may have been set aside."""
        if self.path.exists():
            self.path.write_bytes(self._whole)


def damaged(folders: list[Path], damage: Damage) -> DamagedFile | None:
    """Damages a file in one of the folders; None if there is none with anything in it."""
    files = sorted(
        path for folder in folders for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 0
    )
    return DamagedFile(files[int(damage.file * len(files))], damage) if files else None
