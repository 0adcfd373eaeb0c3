"""Files to name on a command line: whole ones of every kind, damaged copies of them, and what is no file."""

import gzip
import json
import os
import random
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from corpus.errors import ExitCode, Failure
from corpus.manifest import sha256
from reproduction.machine import ROOT

CONFIGURATION = """\
model: { byte_width: 16, byte_head_size: 8, encoder_layers: 1, decoder_layers: 1, byte_ngrams: 3,
         byte_ngram_rows: 50, width: 16, head_size: 8, layers: 2 }
data: { sequence_words: 32, sequence_bytes: 256 }
training: { steps: 2, sequences_per_step: 2, micro_batches: 2 }
output: { checkpoint_every: 1, evaluate_every: 2 }
"""
SUBWORD = """\
model: { kind: subword, vocabulary: 300, width: 16, head_size: 8, layers: 2 }
data: { sequence_words: 32, sequence_bytes: 256 }
training: { steps: 2, sequences_per_step: 2, micro_batches: 2 }
output: { checkpoint_every: 1, evaluate_every: 0 }
"""

_PARQUET = ROOT / "Tests/HATTextTests/Resources/parquet/arrow-snappy-v1-dictionary.parquet"

# The whole ones, by what an option may want them for.
WHOLE = {
    "configuration": ("config.yaml", "subword.yaml"),
    "corpus": ("corpus", "corpus:0.5"),
    "run": ("run", "run@1", "subword-run"),
    "tokenizer": ("tokenizer.json",),
    "weights": ("weights.safetensors",),
    "text": ("text.txt",),
    "input": ("text.txt", "documents.jsonl", "documents.jsonl.gz", "documents.parquet", "folder-of-texts"),
    "shard": ("corpus/train-000000-000000.shard",),
    "cloze": ("cloze.jsonl",),
    "choice": ("choice.jsonl",),
    "typos": ("typos.jsonl",),
    "hostfile": ("hosts",),
}

_WORDS = (
    'the whale sea größer of and a ship 語 white Ahab said to be or not "who" is there? it\'s 1851'.split()
)


def names(zoo: Path) -> list[str]:
    """What a line may name, in a fixed order: all that is in the zoo, and in its whole corpus and run."""
    inner = [str(path.relative_to(zoo)) for name in ("corpus", "run") for path in (zoo / name).rglob("*")]
    return sorted([*os.listdir(zoo), *inner, "no-such-file", "no-such-folder/file", "text.txt/below-a-file"])


def snapshot(zoo: Path) -> dict[str, tuple[int, int, int]]:
    """What changes when anything in the zoo does: kind, size and time of each."""
    found = {}
    open_ones = [zoo]
    while open_ones:
        for entry in os.scandir(open_ones.pop()):
            status = entry.stat(follow_symlinks=False)
            is_folder = stat.S_ISDIR(status.st_mode)
            found[entry.path] = (
                status.st_mode,
                0 if is_folder else status.st_size,
                0 if is_folder else status.st_mtime_ns,
            )
            if is_folder:
                open_ones.append(Path(entry.path))
    return found


def build(program: Path, zoo: Path) -> None:
    """Makes the zoo, if it is not there already, made by this program and this script.

    - Raises: `Failure` if the program cannot make one of the whole files.
    """
    made_by, makers = zoo / "made-by.txt", f"{sha256(program)} {sha256(Path(__file__))}"
    if made_by.exists() and made_by.read_text() == makers:
        return
    shutil.rmtree(zoo, ignore_errors=True)
    zoo.mkdir(parents=True)
    _write_texts(zoo)
    _make_whole(program, zoo)
    _damage_all(zoo)
    _write_oddities(zoo)
    _make_special(zoo)
    made_by.write_text(makers)


def _write_texts(zoo: Path) -> None:
    draw = random.Random(1)
    texts = [" ".join(draw.choices(_WORDS, k=draw.randrange(5, 80))) + ".\n" for _ in range(80)]
    lines = "".join(json.dumps({"text": text, "source": "zoo"}, ensure_ascii=False) + "\n" for text in texts)
    (zoo / "documents.jsonl").write_text(lines)
    (zoo / "documents.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    shutil.copyfile(_PARQUET, zoo / "documents.parquet")
    (zoo / "text.txt").write_text("\n\n".join(texts[:10]))
    (zoo / "folder-of-texts").mkdir()
    for number, text in enumerate(texts[:3]):
        (zoo / f"folder-of-texts/{number}.txt").write_text(text)
    (zoo / "config.yaml").write_text(CONFIGURATION)
    (zoo / "subword.yaml").write_text(SUBWORD)
    questions = {
        "cloze": {"context": "To be, or not to ", "target": "be"},
        "choice": {"context": "The sky is", "choices": [" blue", " bread"], "answer": 0},
        "typos": {"good": "receive", "bad": "recieve", "context": "Did you "},
    }
    for name, question in questions.items():
        (zoo / f"{name}.jsonl").write_text((json.dumps(question) + "\n") * 3)
    (zoo / "hosts").write_text("localhost slots=2\n")
    (zoo / "base64.jsonl").write_text('{"text_b64": "VG8gYmU="}\n' * 3)


def _make_whole(program: Path, zoo: Path) -> None:
    for command in (
        "preprocess --output corpus --holdout 0.2 documents.jsonl",
        "tokenizer learn --data corpus --vocabulary 300 --output tokenizer.json",
        "train --config config.yaml --data corpus --output run --threads 1",
        "train --config subword.yaml --data corpus --output subword-run --tokenizer tokenizer.json",
        "export --checkpoint run --output weights.safetensors",
    ):
        result = subprocess.run([program, *command.split()], cwd=zoo, capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure(
                ExitCode.OUR_FAULT,
                f"`hat-mpirun {command}` ended with exit code {result.returncode}: {result.stderr[-500:]}",
                "The zoo cannot be made without it: look at that first.",
            )


def _damage_all(zoo: Path) -> None:
    """Damaged copies of every whole file; of a folder, a copy for each damage to each of its files."""
    for name in ("corpus", "run"):
        files = sorted(path.relative_to(zoo / name) for path in (zoo / name).rglob("*") if path.is_file())
        for file in files:
            for harm in _HARMS:
                copy = zoo / f"{name}-{harm}-{'-'.join(file.parts)}"
                shutil.copytree(zoo / name, copy)
                _harm(copy / file, harm)
    for path in sorted(zoo.iterdir()):
        if path.is_file():
            for harm in _HARMS:
                copy = path.with_name(f"{harm}-{path.name}")
                shutil.copyfile(path, copy)
                _harm(copy, harm)


def _flip(content: bytes) -> bytes:
    place = len(content) // 3
    return content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]


def _enlarge(content: bytes) -> bytes:
    """The first number of a text becomes a huge one; so does the first length of a file that is no text."""
    for place, byte in enumerate(content[:2000]):
        if 0x30 <= byte <= 0x39:
            return content[:place] + b"4611686018427387904" + content[place + 1 :]
    return b"\xff" * 8 + content[8:]


_HARMS: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) * 2 // 3],
    "flipped": _flip,
    "empty": lambda content: b"",
    "longer": lambda content: content + b"\0garbage\n",
    "enlarged": _enlarge,
}


def _harm(path: Path, harm: str) -> None:
    content = path.read_bytes()
    path.write_bytes(_HARMS[harm](content) if content else b"\0")


def _write_oddities(zoo: Path) -> None:
    noise = random.Random(2).randbytes(20_000)
    for name, content in {
        "noise": noise,
        "noise.jsonl": noise,
        "noise.safetensors": (100).to_bytes(8, "little") + noise,
        "huge-line.txt": b"word " * 400_000,
        "huge-word.jsonl": b'{"text": "' + b"a" * 2_000_000 + b'"}\n',
        "mark.yaml": b"\xef\xbb\xbf" + CONFIGURATION.encode(),
        "mark.jsonl": b"\xef\xbb\xbf" + b'{"text": "one"}\n',
        "utf-16.txt": "To be, or not to be".encode("utf-16"),
        "carriage-returns.yaml": CONFIGURATION.replace("\n", "\r\n").encode(),
        "deep.json": b"[" * 200_000,
        "deep.yaml": b"model: " + b"{ a: " * 50_000,
        "deep.jsonl": b'{"text": ' * 50_000 + b"\n",
        "aliases.yaml": b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nmodel: [*c, *c]\n",
        "twice.yaml": b"model: { width: 16 }\nmodel: { width: 32 }\n",
        "list.yaml": b"- 1\n- 2\n",
        "numbers.json": b'{"model": 1e400, "vocab": -1}',
        "null.json": b"null",
        "zeros": bytes(4096),
        "header.safetensors": (1 << 62).to_bytes(8, "little") + b"{}",
    }.items():
        (zoo / name).write_bytes(content)


def _make_special(zoo: Path) -> None:
    """What is no plain file. Devices are the zoo's own: a program that replaces one harms only the zoo."""
    (zoo / "empty-folder").mkdir()
    (zoo / "loop").symlink_to("loop")
    (zoo / "dangling").symlink_to("no-such-file")
    os.mkfifo(zoo / "pipe")
    closed = zoo / "no-permission.txt"
    closed.write_text("To be")
    closed.chmod(0)
    for name, minor in (("null", 3), ("zero", 5), ("full", 7)):
        try:
            os.mknod(zoo / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        except PermissionError:
            pass
