"""Values for options: plausible ones by the name of the option, and hostile ones for any."""

# Of whole numbers: where sums and products of them overflow.
EDGES = (
    *"0 -1 1 65536 2147483647 4294967296 99999999999 3037000500 4611686018427387904".split(),
    *"9223372036854775807 -9223372036854775808".split(),
)
# Also fractions, and what only looks like a number.
NUMBERS = (
    *EDGES,
    *"2 255 256 9223372036854775808 18446744073709551616".split(),
    *"0.5 -0.0 1e-300 1e38 1e308 1e309 -1e309 nan -nan inf -inf infinity".split(),
    *"0x10 1_000 1,5 +5 ٣ 1e . ½ 24GiB 1e9GiB 99999999999TiB -1GiB GiB 1.5KiB".split(),
    *("1" + "0" * 400, " 7", "7 ", "1 GiB"),
)

TEXTS = (
    *"- -- --- --help -h --json -x = a=b : :: @ a@1 @-1 %s%n%d $HOME ~ `id` * ? \\ \" '".split(),
    *"e\u0301 größer 語 👩‍👩‍👧 \ufeff \u202e \ufffd \x7f \x1b[31mred null true {} []".split(),
    *"fixed:0 fixed:-1 fixed:99999999999 fixed: permute: permute:nan permute:2 delete:1".split(),
    *("", " ", "a\nb", "a\tb", "a" * 300, "ä" * 5000),
)

# What may stand behind a run or a corpus.
TAILS = ("@1", "@2", "@0", "@99999999999", ":2", ":nan", ":-1", ":1e400", "/")

# More ranks than a machine has room for are refused before any is started.
RANKS = (*EDGES, "1000", "", "two", "1.5", "9223372036854775808", "٣")

LAUNCHER = (
    *("", " ", "--nonsense", "--bind-to", "--bind-to nowhere", "--bind-to none"),
    *("'", '"a', "-np", "--mca", "\\"),
)

# What is asked of an option besides the files of the zoo; the default is added where there is one.
PLAUSIBLE = {
    "threads": ("1", "2"),
    "memory-per-node": ("24GiB", "1GB", "100kB"),
    "memory-bandwidth": ("1e10",),
    "hours": ("0.01", "1"),
    "vocabulary": ("300",),
    "max-word-bytes": ("16", "64"),
    "document": ("0", "3"),
    "step-time-limit": ("30",),
    "near": ("the", "teh"),
    "prompt": ("To be", "-"),
    "document-separator": ("\\n\\n", "\\n"),
    "split": ("whitespace", "unicode", "fixed:4"),
    "perturb": ("none", "all-caps", "permute:0.5", "replace:0.1", "delete:0.1"),
    "field": ("text", "source"),
    "mpirun-arguments": ("--bind-to none",),
    "ranks": ("1", "2"),
    "batch": ("1", "2"),
    "bytes": ("20",),
    "level": ("1", "3"),
}

# Options that say how much work is to be done: with a hostile value a line may take longer than it is given.
WORK = frozenset(
    "batch bytes count documents hours prompt-bytes restarts steps threads words".split(),
)
