"""Functions in the settings: a package that is old, missing or too large is refused before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from packages.plan import Built, NotBuilt
from settings import Settings, SettingsError, workloads
from tests.functions import tiny_package

CONFIG = {
    "kumiki:product": "wiki",
    "kumiki:environment": "dev",
    "kumiki:owner": "platform",
    "kumiki:functions": '{"api": {"package": "api", "handler": "api.function.handler"}}',
}


def test_a_missing_or_stale_package_is_refused_with_the_command_that_builds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_built(*_: object) -> None:
        raise NotBuilt("the package of workloads/api for arm64 is missing: run `make packages`")

    monkeypatch.setattr(workloads, "usable", not_built)
    with pytest.raises(
        SettingsError, match=r"kumiki:functions.api.package: 'api' cannot be used: .*run `make packages`"
    ):
        Settings.parse(CONFIG)


def test_a_layer_over_lambdas_limit_is_refused_by_the_key_that_names_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    large = tmp_path / "layer.zip"
    with large.open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    built = Built(code=tiny_package().code, layer=large, manifest=tmp_path / "manifest.json")
    monkeypatch.setattr(workloads, "usable", lambda *_: built)
    with pytest.raises(
        SettingsError, match=r"kumiki:functions.api.package: .*layer.zip' is 51.0 MiB, and Lambda takes 50"
    ):
        Settings.parse(CONFIG)
