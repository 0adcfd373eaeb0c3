"""How command lines are read."""

import argparse
import sys
from typing import NoReturn

from corpus.errors import ExitCode


class Parser(argparse.ArgumentParser):
    """Ends with hat's exit code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitCode.WRONG_USAGE, f"error: {message}\n")
