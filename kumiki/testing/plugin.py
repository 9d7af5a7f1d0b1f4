"""The fixtures. What they need is loaded when a test asks for one: pytest loads this for every test of everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import pulumi

    from kumiki.testing.recorder import Recorder
    from kumiki.testing.rehearsals import Rehearse
    from kumiki.testing.rules import AssertRule


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("kumiki_program", "The folder of the Pulumi program that `rehearsed` deploys.", default=".")
    parser.addini("kumiki_policy_pack", "The folder of the policy pack that `assert_rule` asks.", default="")


def _folder(config: pytest.Config, option: str) -> Path:
    return config.rootpath / str(config.getini(option))


def _project(config: pytest.Config) -> str:
    """The name in the program's Pulumi.yaml."""
    import yaml  # noqa: PLC0415 as above

    file = _folder(config, "kumiki_program") / "Pulumi.yaml"
    said = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    return str(said.get("name")) if isinstance(said, dict) and said.get("name") else "project"


@pytest.fixture(scope="session")
def _kumiki_project(pytestconfig: pytest.Config) -> str:
    return _project(pytestconfig)


@pytest.fixture
def recorder(_kumiki_project: str) -> Iterator[Recorder]:
    """Runs a program as the engine does and keeps what it registers: a run of its own, with nothing left over."""
    from kumiki.testing.recorder import run  # noqa: PLC0415 as above

    with run(preview=False, project=_kumiki_project) as made:
        yield made


@pytest.fixture
def previewer(_kumiki_project: str) -> Iterator[Recorder]:
    """As `recorder`, before anything exists: every id and computed output is unknown."""
    from kumiki.testing.recorder import run  # noqa: PLC0415 as above

    with run(preview=True, project=_kumiki_project) as made:
        yield made


@pytest.fixture
def resolved(recorder: Recorder) -> Callable[[pulumi.Output[Any]], Any]:
    """The value of an output, once the program has run."""

    def value(output: pulumi.Output[Any]) -> Any:
        return asyncio.get_event_loop().run_until_complete(output.future())

    del recorder
    return value


@pytest.fixture(scope="session")
def rehearsed(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearse]:
    """Deploys a stack on the emulated AWS, once: `rehearsed("dev").client("sqs")`. Its program is `kumiki_program`."""
    from kumiki.testing.rehearsals import Rehearsals  # noqa: PLC0415 as above

    folder = _folder(pytestconfig, "kumiki_program")
    rehearsals = Rehearsals(folder, lambda: tmp_path_factory.mktemp("rehearsal"))
    yield rehearsals.rehearse
    rehearsals.stop()


@pytest.fixture(scope="session")
def assert_rule(pytestconfig: pytest.Config) -> Iterator[AssertRule]:
    """`assert_rule("queue-tls", bad=…, good=…)`: a rule of a policy pack, asked as the engine asks it."""
    from kumiki.testing.rules import Packs  # noqa: PLC0415 as above

    packs = Packs(_folder(pytestconfig, "kumiki_policy_pack") if pytestconfig.getini("kumiki_policy_pack") else None)
    yield packs.assert_rule
    packs.stop()
