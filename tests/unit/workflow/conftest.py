"""The stage that decorators need at import."""

import os

os.environ.setdefault("STAGE", "local")
