"""Packages: the same bytes twice, only what a function needs, and never one that is older than its sources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.compute.package import MOST_UNZIPPED, MOST_ZIPPED
from packages import archive, plan
from packages.build import build
from packages.plan import NotBuilt, Source, place, sources, stale, usable
from tests.conftest import ROOT

API = sources()["api"]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A workload of its own, without libraries."""
    folder = tmp_path / "workloads" / "mine"
    (folder / "part").mkdir(parents=True)
    for name in ("__init__.py", "handler.py", "part/__init__.py", "__main__.py"):
        (folder / name).write_text(f"# {name}\n")
    (folder / "notes.txt").write_text("not code")
    return sources(tmp_path)["mine"]


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as zipped:
        return zipped.namelist()


def test_a_package_is_the_same_bytes_whatever_the_disk_says_of_its_files(source: Source, tmp_path: Path) -> None:
    assert build(source, "arm64", tmp_path / "one")
    for number, path in enumerate(source.files()):
        os.utime(path, (1_000_000_000 + number, 1_000_000_000))
        path.chmod(0o600 + number)
    assert build(source, "arm64", tmp_path / "two")
    one, two = (place(source, "arm64", tmp_path / folder).code.read_bytes() for folder in ("one", "two"))
    assert one == two


def test_the_order_in_which_a_disk_lists_files_does_not_matter(source: Source, tmp_path: Path) -> None:
    entries = [(path.name + str(number), path) for number, path in enumerate(source.files())]
    archive.write(tmp_path / "one.zip", entries)
    archive.write(tmp_path / "two.zip", reversed(entries))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_layer_of_the_api_is_the_same_bytes_twice_and_runs_nowhere_but_on_its_target(tmp_path: Path) -> None:
    build(API, "arm64")
    assert build(API, "arm64", tmp_path)
    ours, again = place(API, "arm64"), place(API, "arm64", tmp_path)
    assert ours.layer is not None
    assert again.layer is not None
    assert ours.layer.read_bytes() == again.layer.read_bytes()
    compiled = [name for name in names(ours.layer) if name.endswith(".so") and "psycopg_binary/" in name]
    assert compiled
    assert all("cpython-313-aarch64-linux-gnu" in name for name in compiled)


def test_the_layer_holds_what_the_api_imports_and_nothing_that_lambda_has_or_a_server_needs() -> None:
    build(API, "x86_64")
    layer = place(API, "x86_64").layer
    assert layer is not None
    top = {name.split("/")[1] for name in names(layer)}
    assert {"fastapi", "mangum", "psycopg", "psycopg_binary", "psycopg_pool", "pydantic", "starlette"} <= top
    assert not {"uvicorn", "alembic", "sqlalchemy", "boto3", "botocore", "bin"} & top
    assert not [name for name in names(layer) if name.endswith((".pyc", "/RECORD", "/direct_url.json"))]
    assert all(name.startswith("python/") for name in names(layer))


def test_the_code_is_the_modules_alone_under_the_name_by_which_they_are_imported(
    source: Source, tmp_path: Path
) -> None:
    build(source, "arm64", tmp_path / "built")
    code = place(source, "arm64", tmp_path / "built").code
    assert names(code) == ["mine/__init__.py", "mine/handler.py", "mine/part/__init__.py"]


@pytest.mark.covers("C1")
def test_code_and_layer_are_far_from_lambdas_limits() -> None:
    for architecture in plan.ARCHITECTURES:
        build(API, architecture)
        sizes = json.loads(place(API, architecture).manifest.read_text())
        layer = place(API, architecture).layer
        assert layer is not None
        assert sizes["layer"] == {"zipped": layer.stat().st_size, "unzipped": archive.unzipped(layer)}
        # The design's layer is of about 50 MB.
        assert sizes["layer"]["unzipped"] < 50 * 1024 * 1024 <= MOST_ZIPPED < MOST_UNZIPPED


def test_a_package_is_stale_when_its_code_its_libraries_or_the_rules_change(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tmp_path / "built"
    assert stale(source, "arm64", built) == "is missing"
    build(source, "arm64", built)
    assert stale(source, "arm64", built) is None
    assert not build(source, "arm64", built)
    assert stale(source, "x86_64", built) == "is missing"

    with monkeypatch.context() as changed:
        changed.setattr(plan, "PYTHON", "3.14")
        assert stale(source, "arm64", built) == "is older than its sources"
    (source.folder / "added.py").write_text("")
    assert stale(source, "arm64", built) == "is older than its sources"
    (source.folder / "added.py").unlink()
    place(source, "arm64", built).code.write_bytes(b"half a zip")
    assert stale(source, "arm64", built) == "is damaged"
    assert build(source, "arm64", built)
    assert stale(source, "arm64", built) is None


def test_a_changed_line_makes_a_package_stale(source: Source, tmp_path: Path) -> None:
    build(source, "arm64", tmp_path / "built")
    (source.folder / "handler.py").write_text("# changed\n")
    with pytest.raises(NotBuilt, match=r"workloads/mine for arm64 is older than its sources: run `make packages`"):
        usable(source, "arm64", tmp_path / "built")


def test_what_runs_from_an_image_alone_is_no_package(source: Source) -> None:
    (source.folder / "Dockerfile").touch()
    root = source.folder.parent.parent
    assert sources(root) == {}
    (source.folder / "layer.txt").touch()
    assert list(sources(root)) == ["mine"]
    assert "api" in sources()
    assert "wiki" not in sources()


def test_make_says_nothing_when_everything_is_up_to_date() -> None:
    first = subprocess.run([sys.executable, "-m", "packages"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    again = subprocess.run([sys.executable, "-m", "packages"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout + again.stderr) == (0, "")


@pytest.mark.parametrize("target", ["test", "bench", "check-docs", "docs"])
def test_make_builds_packages_before_whatever_needs_them(target: str) -> None:
    assert "python -m packages" in make(target)


def test_a_rehearsal_builds_packages_only_for_a_stack_that_runs_functions() -> None:
    stacks = {path.name.split(".")[1]: path.read_text() for path in ROOT.glob("Pulumi.*.yaml")}
    for stack, text in stacks.items():
        keys = ("\n  kumiki:functions:", "\n  kumiki:vectorCollections:", "\n    extensions:")
        needs = any(key in text for key in keys)
        assert ("python -m packages" in make("rehearse", f"STACK={stack}")) is needs, stack


def make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout
