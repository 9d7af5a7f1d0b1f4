"""The wheel, built and installed as its users have it: in an environment of its own, away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the backend that pyproject.toml names, which is among the requirements: nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run([sys.executable, "-m", "hatchling", *build], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed; what it requires is taken from where the tests run."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib"))
    install = ["install", "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), *install],
        check=True,
        capture_output=True,
    )
    return folder


Kumiki = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def kumiki(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Kumiki:
    """The installed command, run as by somebody who has nothing else of ours."""
    cache = tmp_path_factory.mktemp("cache")

    def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [environment / "bin" / "kumiki", *arguments],
            cwd=folder,
            # An active environment would be taken for the program's.
            env={
                **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
                "XDG_CACHE_HOME": str(cache),
                "COLUMNS": "300",
                "NO_COLOR": "1",
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run
