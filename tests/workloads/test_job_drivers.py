"""What a job brings to its driver does not grow with the data."""

from __future__ import annotations

import ast
from collections import Counter

from tests.conftest import ROOT

BRING = {"collect", "toPandas", "toLocalIterator", "first", "head", "take", "tail", "collectAsMap", "countByKey"}
"""What Spark answers to the driver. `count` of a frame gives a number; of groups, another frame."""

MAY = {
    # One value: how far earlier runs have read.
    ("extract.py", "first"): 1,
    # The runs that are not merged yet, one a night; and the attempt that was cut off, if one was.
    ("history.py", "toLocalIterator"): 2,
    # The partitions of a window, a day each or a service's day.
    ("cloudwatch.py", "collect"): 1,
    ("logs.py", "collect"): 1,
    # As many findings as a message shows.
    ("quality.py", "toLocalIterator"): 1,
}


def test_no_job_brings_its_rows_to_the_driver() -> None:
    found = Counter(
        (path.name, node.func.attr)
        for path in (ROOT / "workloads" / "jobs").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BRING
    )
    assert found == MAY
