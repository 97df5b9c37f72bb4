"""What a worker may import: the unzipped function, and of our own environment only what AWS's runtime has.

Anything else in .venv stays out of sight, so a dependency that is missing from the package fails here too.
"""

import compileall
import hashlib
import importlib.util
import io
import shutil
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path

# The Python runtime carries boto3 and what it needs: docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")


class Packages:
    """Unzipped code by content, under one folder that `remove` deletes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def code(self, archive: bytes) -> Path:
        """The folder of this zip, unpacked and compiled once."""
        return self._once(hashlib.sha256(archive).hexdigest()[:24], lambda path: _unpack(archive, path))

    def layered(self, archives: Iterable[bytes]) -> list[Path]:
        """What of the layers is imported: docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html."""
        roots = [self.code(archive) / "python" for archive in archives]
        found = [path for root in roots for path in (root, *sorted(root.glob("lib/python*/site-packages")))]
        return [path for path in found if path.is_dir()]

    def runtime(self) -> Path:
        """The folder with links to the packages that AWS's runtime provides."""
        return self._once("runtime", _link_runtime)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _once(self, name: str, make) -> Path:  # type: ignore[no-untyped-def]
        target = self._folder / name
        with self._lock:
            if not target.is_dir():
                draft = target.with_suffix(".draft")
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir(parents=True)
                make(draft)
                draft.rename(target)
        return target


def _unpack(archive: bytes, target: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive)) as package:
        package.extractall(target)
    # Paths in the bytecode (and so in stack traces) must name the final folder, not the draft.
    compileall.compile_dir(target, quiet=2, stripdir=str(target), prependdir=str(target.with_suffix("")))


def _link_runtime(target: Path) -> None:
    for name in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"package {name!r} of the Lambda runtime is not installed")
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (target / source.name).symlink_to(source)
