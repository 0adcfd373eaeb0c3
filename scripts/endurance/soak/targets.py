"""Which process of a command is hit."""

from endurance.processes import command_line, descendants, environment_has
from endurance.soak.drawing import Strike


def target(root: int, strike: Strike) -> int | None:
    """Below `root`, or `root` itself; None if there is no such process, as while a job starts."""
    found: dict[str, list[int]] = {"supervisor": [], "mpirun": [], "rank": []}
    for pid in (root, *descendants(root)):
        if role := _role(pid):
            found[role].append(pid)
    these = sorted(found[strike.target])
    return these[int(strike.choice * len(these))] if these else None


def _role(pid: int) -> str | None:
    program = command_line(pid).split(" ")[0].rpartition("/")[2]
    if program in ("mpirun", "orterun", "orted"):
        return "mpirun"
    if program != "hat-mpirun":
        return None
    return "rank" if environment_has(pid, "OMPI_COMM_WORLD_RANK") else "supervisor"
