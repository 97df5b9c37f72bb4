"""`python -m scripts.benchmarks.etl --rows 100k,1m`: the seed's job, ours on both engines, and the limit."""

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from scripts.benchmarks import etl_cost
from scripts.benchmarks.etl_contenders import CONTENDERS
from scripts.benchmarks.etl_data import generate, soiled
from scripts.benchmarks.etl_goals import judged
from scripts.benchmarks.etl_process import cpu_seconds, family, resident_bytes

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 900  # of one contender
FILES = 1_000  # of the bill


@dataclass(frozen=True)
class Measured:
    """Wall and CPU seconds and peak memory of one contender's process with its children."""

    name: str
    wall: float
    cpu: float
    peak_mb: float
    tables: dict[str, Any]
    told: dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Prints a table for each size; exit code 1 if any two contenders disagree on a row."""
    arguments = _parser().parse_args(argv)
    agreed = True
    with tempfile.TemporaryDirectory(prefix="bench-etl-") as folder:
        for rows in map(size, arguments.rows.split(",")):
            inputs = generate(Path(folder), rows)
            names = [n for n in CONTENDERS if not arguments.only or n in arguments.only.split(",")]
            if any("spark" in name for name in names):  # as where Spark was installed
                subprocess.run([sys.executable, "-m", "etl.engines.spark_archive"], cwd=ROOT, check=True)
            # Nothing is deleted between two of them: ext4 then searches long for each new inode, for seconds.
            rounds = [
                [measure(name, inputs, Path(folder) / f"out_{rows}_{name}_{number}") for name in names]
                for number in range(arguments.rounds)
            ]
            agreed = print_table(rows, rounds) and agreed
            print_rest(rows, {m.name: m.wall for m in map(median, zip(*rounds, strict=True))})
        if not arguments.only:
            print_price_of_dirt(Path(folder))
    if arguments.live:
        print_live()
    return 0 if agreed else 1


def print_rest(rows: int, walls: Mapping[str, float]) -> None:
    """The goals of this size, and at a million rows the bill of as many in small files."""
    print(*judged(rows, walls), sep="\n")
    if rows == 1_000_000 and {"duckdb", "spark_cold"} <= walls.keys():
        runs = FILES / etl_cost.PER_RUN
        seconds = etl_cost.START_SECONDS + walls["duckdb"] / runs
        print(*etl_cost.lines(FILES, etl_cost.PER_RUN, seconds, walls["spark_cold"]), sep="\n")


def print_price_of_dirt(folder: Path, rows: int = 100_000) -> None:
    """The same rows with a few bad lines, which only the strict reader reads."""
    sales, customers = generate(folder, rows)
    clean = measure("duckdb", (sales, customers), folder / "out_clean")
    dirty = measure("duckdb", (soiled(sales), customers), folder / "out_dirty")
    print(
        f"\n{rows:,} sales on DuckDB, 0.1 % broken: {dirty.cpu:.1f} CPU s, {dirty.wall:.1f} s wall; "
        f"clean: {clean.cpu:.1f} CPU s, {clean.wall:.1f} s wall"
    )


def print_live() -> None:
    """From upload to table on a platform of its own, as `make demo` measures it."""
    print("  make demo …", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-live-") as folder:
        environment = {**os.environ, "ORDERS_LOCAL_DIR": folder}
        command = [sys.executable, "-m", "scripts.local_run", "demo"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        told = json.loads((Path(folder) / "demo.json").read_text())
    print(f"\nfrom upload to table, live: {_find(told, 'seconds_from_file_to_table')} s")


def _find(told: Any, name: str) -> Any:
    """The value of that name, however deep."""
    if not isinstance(told, dict):
        return None
    return told[name] if name in told else next(filter(None, (_find(v, name) for v in told.values())), None)


def size(text: str) -> int:
    """`100k`, `1m` or a plain number."""
    unit = {"k": 1_000, "m": 1_000_000}.get(text[-1].lower())
    return int(text[:-1]) * unit if unit else int(text)


def measure(name: str, inputs: tuple[Path, Path], out: Path) -> Measured:
    out.mkdir(parents=True)
    log = out.parent / f"{name}.log"
    command = [sys.executable, "-m", "scripts.benchmarks.etl_contenders", name, *map(str, inputs), str(out)]
    print(f"  {name} …", end="", file=sys.stderr, flush=True)
    start = time.perf_counter()
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
        peak, cpu = _watch(process)
    wall = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{name} failed:\n{log.read_text()[-2000:]}")
    told = next(line for line in log.read_text().splitlines() if "RESULT " in line).split("RESULT ")[1]
    found: dict[str, Any] = json.loads(told)
    beyond = found.get("beyond", {"wall": 0.0, "cpu": 0.0})
    wall, cpu = found.get("wall", wall - beyond["wall"]), found.get("cpu", cpu - beyond["cpu"])
    measured = Measured(name, wall, cpu, peak / 1e6, tables(out), found)
    print(f" {measured.wall:.1f} s, {measured.cpu:.1f} CPU s", file=sys.stderr, flush=True)
    return measured


def _watch(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Peak resident bytes and CPU seconds of the process and its descendants, looked at ten times a second.

    The kernel's own sum leaves out Spark's Java process, which nobody waits for.
    """
    peak, cpu, ended = 0, {process.pid: 0.0}, os.pidfd_open(process.pid)
    end = time.monotonic() + LIMIT_SECONDS
    while process.poll() is None:
        if time.monotonic() > end:
            os.killpg(process.pid, signal.SIGKILL)
            raise SystemExit(f"a contender took more than {LIMIT_SECONDS} s and was stopped")
        relatives = family(process.pid)
        peak = max(peak, sum(map(resident_bytes, relatives)))
        cpu |= {pid: max(cpu.get(pid, 0.0), cpu_seconds(pid)) for pid in relatives}
        select.select([ended], [], [], 0.1)  # `wait` would look up to 0.05 s late whether it is over
    os.close(ended)
    return peak, sum(cpu.values())


def tables(out: Path) -> dict[str, Any]:
    """Row counts, a checksum of every row, money rounded to the cent (the seed's is double), wrong averages.

    An average is right if it is within half a cent of the row's own money and orders, which the checksum
    holds: so rounded and unrounded ones compare.
    """
    with duckdb.connect() as connection:
        daily = connection.execute(
            f"select count(*), sum(hash(order_date::varchar, region, round(daily_revenue * 100)::bigint, "
            f"daily_orders::bigint, unique_customers::bigint)) from "
            f"read_parquet('{out}/daily_sales/*/*.parquet', hive_partitioning = true)"
        ).fetchone()
        metrics = connection.execute(
            f"select count(*), sum(hash(customer_id, name, status, round(total_spent * 100)::bigint, "
            f"total_orders::bigint)), count(*) filter (where (abs(avg_order_value::double - "
            f"total_spent::double / total_orders) < 0.005001) is not true) "
            f"from read_parquet('{out}/customer_metrics/*.parquet')"
        ).fetchone()
    return {"daily_sales": daily, "customer_metrics": metrics}


def agree(found: Sequence[Mapping[str, Any]]) -> bool:
    """Are all tables the same, with no average that is wrong?"""
    return len({json.dumps(t, default=str) for t in found}) == 1 and found[0]["customer_metrics"][2] == 0


def median(runs: Sequence[Measured]) -> Measured:
    """The run with the median wall time, the earlier of two in the middle."""
    return sorted(runs, key=lambda run: run.wall)[(len(runs) - 1) // 2]


def print_table(rows: int, rounds: Sequence[Sequence[Measured]]) -> bool:
    """A line for each contender, of its median run; a machine with other tenants has good and bad minutes."""
    of_each = list(zip(*rounds, strict=True))
    found = list(map(median, of_each))
    base = {m.name: m for m in found}
    print(f"\n{rows:,} sales, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    print(f"{'':14}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'x seed':>8}{'x plain':>9}  from - to, wall s")
    for m, runs in zip(found, of_each, strict=True):
        faster = f"{base['seed'].wall / m.wall:.1f}" if "seed" in base else "-"
        slower = f"{m.wall / base['plain_duckdb'].wall:.1f}" if "plain_duckdb" in base else "-"
        spread = f"{min(r.wall for r in runs):.2f} - {max(r.wall for r in runs):.2f}"
        print(f"{m.name:14}{m.wall:9.2f}{m.cpu:9.1f}{m.peak_mb:9.0f}{faster:>8}{slower:>9}  {spread}")
    if "seed" in base:
        artefact = base["seed"].told["local_disk_artefact_seconds"]
        print(f"{artefact} s of the seed's wall are an artefact of local disks: a fork for each of 730 files")
    all_runs = [m for runs in rounds for m in runs]
    same = agree([m.tables for m in all_runs])
    told = "yes" if same else f"NO: {[(m.name, m.tables) for m in all_runs]}"
    print(f"rows equal to the cent, in all {len(rounds)} rounds: {told}")
    return same


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts.benchmarks.etl", description=__doc__)
    parser.add_argument("--rows", default="100k,1m", help="sizes, such as 100k,1m,10m")
    parser.add_argument("--rounds", type=int, default=3, help="of all contenders in turn; the median counts")
    parser.add_argument("--live", action="store_true", help="also upload to table on the platform")
    parser.add_argument("--only", help="contenders, separated by commas: " + ", ".join(CONTENDERS))
    return parser


if __name__ == "__main__":
    sys.exit(main())
