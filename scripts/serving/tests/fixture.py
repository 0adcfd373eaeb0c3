"""One server for each kind of model, for all tests."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

from serving.runs import make_runs
from serving.server import Server

_folder = tempfile.TemporaryDirectory(prefix="hat-serving-")
atexit.register(_folder.cleanup)


@cache
def runs() -> dict[str, Path]:
    """The folder of a run of each kind."""
    return make_runs(Path(_folder.name))


def scratch() -> Path:
    return Path(_folder.name)


def keep(server: Server) -> Server:
    """Starts a server that ends with the tests."""
    found = server.__enter__()
    atexit.register(found.__exit__, None, None, None)
    return found


@cache
def server(kind: str = "hierarchical") -> Server:
    return keep(
        Server(runs()[kind], "--slots", "4", "--max-body-bytes", "256KiB", "--max-prompt-bytes", "16KiB")
    )
