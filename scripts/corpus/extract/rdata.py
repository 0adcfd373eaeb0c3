"""Data of R packages: the lazy-load database in which R keeps character vectors."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from corpus.document import Document
from corpus.extract import files
from corpus.extract.plain import cut


@dataclass(frozen=True)
class RBooks:
    """Books that are character vectors with an element for each printed line."""

    heading: str
    libraries: ClassVar[tuple[str, ...]] = ("rdata",)

    def documents(self, root: Path) -> Iterator[Document]:
        for index in files(root, "usr/lib/R/site-library/*/data/Rdata.rdx"):
            for name, lines in _variables(index):
                yield from cut(name, "\n".join(lines), self.heading, joins_lines=True)


def _variables(index: Path) -> Iterator[tuple[str, list[str]]]:
    import rdata

    database = index.with_suffix(".rdb").read_bytes()
    for name, (offset, length) in sorted(rdata.read_rds(index)["variables"].items()):
        with warnings.catch_warnings():
            # The library says that it takes the bytes for an .rds file, as it should.
            warnings.simplefilter("ignore")
            parsed = rdata.parser.parse_data(unpack_record(database[offset : offset + length]))
        yield str(name), [str(line) for line in rdata.conversion.convert(parsed)]


def unpack_record(record: bytes) -> bytes:
    """A record is its unpacked length, big-endian, and a zlib stream."""
    (length,) = struct.unpack(">I", record[:4])
    content = zlib.decompress(record[4:])
    if len(content) != length:
        raise ValueError(f"a record of {length} bytes unpacks to {len(content)}")
    return content
