"""Functions in the architecture: what each is told and connected to, and that it never runs an old package."""

from __future__ import annotations

from pathlib import Path

import pytest

from architecture import functions
from architecture.functions import function_args
from components.refusal import Refusal
from packages.plan import Built, NotBuilt
from settings import Settings
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
    settings = Settings.parse(CONFIG)

    def not_built(*_: object) -> None:
        raise NotBuilt("the package of workloads/api for arm64 is missing: run `make packages`")

    monkeypatch.setattr(functions, "usable", not_built)
    with pytest.raises(Refusal, match=r"kumiki:functions.api.package: 'api' cannot be used: .*run `make packages`"):
        function_args("api", settings.functions["api"], settings)


def test_a_layer_over_lambdas_limit_is_refused_by_the_key_that_names_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings.parse(CONFIG)
    large = tmp_path / "layer.zip"
    with large.open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    built = Built(code=tiny_package().code, layer=large, manifest=tmp_path / "manifest.json")
    monkeypatch.setattr(functions, "usable", lambda *_: built)
    with pytest.raises(Refusal, match=r"kumiki:functions.api.package: .*layer.zip' is 51.0 MiB, and Lambda takes 50"):
        function_args("api", settings.functions["api"], settings)
