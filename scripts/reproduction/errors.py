"""What can go wrong in a stage, and what to do about it. Exit codes are those of `hat-mpirun`."""

from pathlib import Path

from corpus.errors import ExitCode


class StageFailure(Exception):
    """A stage that cannot go on; what is finished before it stays."""

    def __init__(self, code: int, message: str, hint: str) -> None:
        super().__init__(f"{message}. {hint}")
        self.code = code


class CommandFailure(StageFailure):
    """A command that ended with an error: which, where its log is, and its last words."""

    def __init__(self, command: str, code: int, log: Path, last_words: str) -> None:
        # A signal's number is negative and no exit code.
        super().__init__(
            code if code > 0 else ExitCode.OUR_FAULT,
            f"`{command}` ended with {f'exit code {code}' if code > 0 else f'signal {-code}'}"
            + (f": {last_words}" if last_words else ""),
            f"Its log is {log}. Finished stages stay: mend it and run the same command to go on.",
        )
