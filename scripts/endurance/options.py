"""Options that both tools have."""

import argparse
from pathlib import Path

from corpus.arguments import Parser
from reproduction.machine import ROOT

_PROGRAM = ROOT / ".build/release/hat-mpirun"


def options_parser(tool: str, description: str, seed: str) -> Parser:
    """`seed` says what it decides."""
    parser = Parser(prog=tool, description=description)
    add = parser.add_argument
    state = "for the files, the state and the summary"
    add("--folder", type=Path, required=True, metavar="FOLDER", help=state)
    add("--seed", type=int, default=1, metavar="S", help=f"decides {seed}; default: 1")
    add("--program", type=Path, default=_PROGRAM, metavar="FILE", help="default: .build/release/hat-mpirun")
    return parser


def parsed(parser: Parser, arguments: list[str] | None) -> argparse.Namespace:
    """With absolute paths, of a program that is there."""
    options = parser.parse_args(arguments)
    if not options.program.is_file():
        parser.error(f"{options.program}: there is no such program; swift build -c release builds it")
    options.program, options.folder = options.program.resolve(), options.folder.resolve()
    return options
