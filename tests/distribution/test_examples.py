"""The programs in `examples/` have Kumiki from a wheel, and tests by its testing kit, which comes with it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/Pulumi.yaml"))


@pytest.mark.rehearsal
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_examples_own_tests_pass_where_the_wheel_is_installed(
    example: Path, environment: Path, tmp_path: Path
) -> None:
    folder = tmp_path / example.name
    shutil.copytree(example, folder, ignore=shutil.ignore_patterns("__pycache__"))

    done = subprocess.run(
        [environment / "bin" / "python", "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VIRTUAL_ENV"))},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_every_example_is_named_where_people_look() -> None:
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert len(EXAMPLES) >= 2
    assert [one.name for one in EXAMPLES if f"[{one.name}]({one.name})" not in page] == []
