"""A shell in which a page's blocks are run by the real AWS CLI, and what its commands print."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.conftest import ROOT
from tests.live import Platform


class Terminal:
    """One shell after another, each with the variables and the folder of the one before."""

    def __init__(self, page: Path, platform: Platform, folder: Path) -> None:
        self._page = page
        self.folder = folder
        self._state = folder / "variables"
        self._state.touch()
        tools = Path(sys.executable).parent
        self._env = platform.environment()
        self._env |= {"API_ENDPOINT": platform.api_url, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
        self._env["SAMPLES"] = str(ROOT / "etl" / "samples")
        self._env["PATH"] = f"{tools}:{self._env['PATH']}"

    def run(self, heading: str) -> str:
        """What the block under this heading prints. Asserts that each of its commands succeeds."""
        script = (
            f"set -eo pipefail\n. {self._state}\n{block(self._page, heading)}\nexport -p > {self._state}\n"
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{heading}: {done.stdout}{done.stderr}"
        return done.stdout


def block(page: Path, heading: str) -> str:
    """The commands under the first heading that begins so."""
    found = re.search(rf"^## {heading}.*?^```bash\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def answers(text: str) -> list[Any]:
    """The JSON documents that several commands printed one after another."""
    decoder, found = json.JSONDecoder(), []
    while "{" in text:
        document, end = decoder.raw_decode(text[text.index("{") :])
        found.append(document)
        text = text[text.index("{") + end :]
    return found
