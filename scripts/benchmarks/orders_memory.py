"""Memory that a set of process trees holds for itself, so that shared pages count once."""

from collections.abc import Iterable
from pathlib import Path


def family(parent: int) -> list[int]:
    """The process and all its descendants that are there now."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in _read(task).split()]
    return [parent, *(pid for child in children for pid in family(child))]


def megabytes(pids: Iterable[int], what: str = "Pss") -> float:
    """`Pss` shares out common pages (the sum is what the machine needs), `Rss` counts them each time."""
    total = 0
    for pid in pids:
        text = _read(Path(f"/proc/{pid}/smaps_rollup"))
        if f"\n{what}:" in text:
            total += int(text.split(f"\n{what}:")[1].split()[0])
    return total / 1024


def processor_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes so far."""
    ticks = 0
    for pid in pids:
        fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / 100


def postgres(data: Path) -> list[int]:
    """The server of a data folder and its children."""
    file = data / "postmaster.pid"
    return family(int(file.read_text().split()[0])) if file.exists() else []


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""  # the process has ended meanwhile
