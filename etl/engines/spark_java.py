"""How far the Java of a local Spark compiles: for rows as far as it can, not for what plans a query once.

A run lasts seconds. Half of what Java's second compiler did in one was the parser of SQL, the planner, the
compiler of generated code, the loading of classes and Java's serialization: `spark_java.json` keeps it from
those, the first compiler's code serves them. https://openjdk.org/jeps/165; a Java older than 9 ignores it.
"""

import re
from pathlib import Path

DIRECTIVES = Path(__file__).with_suffix(".json")
USABLE = re.compile(r"[\w./+-]+")  # a path that neither a shell nor Spark would take apart
# All rules in one projection are one method of more than 8,000 bytecodes, which Java would only interpret:
# 7.0 CPU s per million rows, compiled 2.0.
_ALWAYS = "-XX:+UseParallelGC -XX:-UsePerfData -XX:-DontCompileHugeMethods"
# Three times Java's own: the second compiler takes up what is called for each row, and little else.
_SECOND = (
    "-XX:Tier4InvocationThreshold=15000 -XX:Tier4MinInvocationThreshold=1800 -XX:Tier4CompileThreshold=45000"
)
# Java would write to the standard output that it has read the file.
_QUIETLY = "-XX:+IgnoreUnrecognizedVMOptions -XX:+UnlockDiagnosticVMOptions -XX:-DisplayVMOutput"


def options(directives: Path = DIRECTIVES) -> str:
    """Valid for Java 8, 11 and 17, the ones of Spark 3.5."""
    plain = f"{_ALWAYS} {_SECOND}"
    if not directives.is_file() or not USABLE.fullmatch(str(directives)):
        return plain
    return f"{plain} {_QUIETLY} -XX:CompilerDirectivesFile={directives}"
