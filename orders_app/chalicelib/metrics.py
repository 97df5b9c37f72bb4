"""Metrics as CloudWatch embedded metric format: one JSON line on stdout, no call, no client.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import os
import sys
import time
from typing import Literal

NAMESPACE = "OrderPlatform"
Unit = Literal["Count", "Seconds", "Milliseconds"]


def count(name: str, value: int = 1, **dimensions: str) -> None:
    """So many of something, for the stage as a whole and by each given dimension set."""
    put(name, value, "Count", **dimensions)


def put(name: str, value: float, unit: Unit, **dimensions: str) -> None:
    """One value; `outcome="declined"` is the dimension `Outcome`. Bounded values only: each is billed."""
    labels = {"Stage": os.environ.get("STAGE", "local")} | {
        key.title().replace("_", ""): label for key, label in dimensions.items()
    }
    sets = [["Stage"]] + ([list(labels)] if dimensions else [])
    line = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": [{"Name": name, "Unit": unit}]}
            ],
        },
        **labels,
        name: value,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
