"""Files that commands write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costs import files


def test_two_runs_that_write_the_same_file_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, replace = tmp_path / "report.json", Path.replace

    def another_run_begins(partial: Path, target: Path) -> Path:
        with monkeypatch.context() as other:
            other.setattr(os, "getpid", lambda: 0)
            files.require_writable([path])
        return replace(partial, target)

    monkeypatch.setattr(Path, "replace", another_run_begins)
    files.write(path, "whole")

    assert [one.name for one in tmp_path.iterdir()] == ["report.json"]
    assert path.read_text(encoding="utf-8") == "whole"
