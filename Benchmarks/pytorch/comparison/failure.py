"""What a person is told, and the exit code that goes with it."""

from __future__ import annotations

WRONG_USAGE, UNAVAILABLE, OUR_FAULT = 64, 69, 70


class Failure(Exception):
    def __init__(self, message: str, exit_code: int = OUR_FAULT):
        super().__init__(message)
        self.exit_code = exit_code


class ModeFailure(Failure):
    """A mode of the peer does not work here, or computes something else. The others are measured all the same."""
