"""Java's archive of the classes that a run on Spark loads: made once, later starts need not read them.

`python -m etl.engines.spark_archive` makes it in the virtual environment (`make` does so where it installs
Spark). Java refuses an archive of another Java or of other jars by itself and starts without it.
https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from etl.engines import spark_session
from etl.engines.spark_java import USABLE
from etl.engines.work import work_folder

_LIMIT_SECONDS = 300


def main(argv: Sequence[str] | None = None) -> int:
    """Makes the archive where there is none. A Java that makes none is no error: a run starts without."""
    path = archive()
    if path.is_file():
        print(f"Spark's classes are archived already: {path}")
        return 0
    made = make(path)
    print(
        f"Spark's classes are archived: {path}"
        if made
        else "this Java archives no classes: Spark starts slower"
    )
    return 0


def archive(home: Path | None = None) -> Path:
    """Where the archive is to be, by the Java and the Spark that it is of."""
    home = home or spark_session.java_home()
    release = home / "release"
    told = release.read_text() if release.is_file() else ""
    spark = importlib.util.find_spec("pyspark")
    of = f"{home}\n{told}\n{importlib.metadata.version('pyspark')}\n{spark and spark.origin}"
    return Path(sys.prefix) / f"spark-{hashlib.sha256(of.encode()).hexdigest()[:16]}.jsa"


def java_options(home: Path | None = None) -> str:
    """For the Java of a run: the archive if there is one, and no word about one that does not fit."""
    if importlib.util.find_spec("pyspark") is None:
        return ""
    path = archive(home)
    if not path.is_file() or not USABLE.fullmatch(str(path)):
        return ""
    return f"-XX:SharedArchiveFile={path} -Xlog:disable -Xlog:all=error:stderr"


def make(path: Path) -> bool:
    """Runs a small job and has Java archive, as it ends, what that loaded. Refused if a session is there."""
    if not USABLE.fullmatch(str(path)):
        return False
    unfinished = path.with_suffix(f".{os.getpid()}")
    noting = f"-XX:ArchiveClassesAtExit={unfinished} -Xlog:disable -Xlog:all=error:stderr"
    os.environ["PYSPARK_SUBMIT_ARGS"] = spark_session.submit_arguments(noting)
    try:
        _small_job()
        _end_java()
        if unfinished.is_file():
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path.is_file()


def _small_job() -> None:
    from etl.engines import open_engine
    from etl.manifest import local_manifest
    from etl.pipeline import run

    with work_folder() as folder:
        sales, customers = folder / "sales.csv", folder / "customers.csv"
        lines = (f"{n},C{n % 50},P{n % 7},1,9.50,2024-01-{n % 28 + 1:02},North\n" for n in range(2_000))
        sales.write_text(
            "order_id,customer_id,product_id,quantity,price,order_date,region\n" + "".join(lines)
        )
        names = (f"C{n},Name {n},c{n}@example.com,2023-01-01,active\n" for n in range(50))
        customers.write_text("customer_id,name,email,registration_date,status\n" + "".join(names))
        with open_engine("spark", min_native_bytes=0) as engine:
            run(local_manifest([str(sales)], [str(customers)], f"{folder}/lake", None), engine=engine)


def _end_java() -> None:
    """Java ends when its input does, and archives before that."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(_LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
