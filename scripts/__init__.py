"""Operator and developer commands; `python -m scripts.NAME` finds the app's package beside them."""

import sys
from pathlib import Path

_APP = str(Path(__file__).resolve().parent.parent / "orders_app")
if _APP not in sys.path:
    sys.path.insert(0, _APP)
