"""Projects with a stack file, and what the program says to those that it refuses.

A refusal is judged in this process, in milliseconds; a rehearsal of each would take seconds. The program is
`__main__.py` as it stands, under the recorder, and its file is read as a rehearsal reads it. It does not matter here
which part refuses: the settings, the arguments of a component, or what joins them. That the command line says the same
is in `test_settings_refused.py`.
"""

from __future__ import annotations

import runpy
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pulumi
import pytest
import yaml

from rehearsal import stacks
from rehearsal.problems import RehearsalError
from settings import Settings, SettingsError
from settings.mistakes import Mistake
from tests.conftest import ROOT, run

PREAMBLE = """\
import pulumi
import pulumi_aws as aws

provider = aws.Provider("provider", region="ap-northeast-1")
opts = pulumi.ResourceOptions(provider=provider)
"""


ALWAYS = {"product", "environment", "owner", "region", "retention", "logs"}


def whole_config(stack: str) -> dict[str, Any]:
    """The configuration of one of our stacks as its file has it."""
    return yaml.load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["config"]


def config_of(stack: str, changes: Mapping[str, Any], only: Iterable[str] | None = None) -> dict[str, Any]:
    """The configuration of one of our stacks, changed: a key set to None is left out. Of dev it is the container
    platform's, without the chat's site, users and functions, so that a rehearsal makes no more than its test sees.

    :param only: The sections to keep, for the same reason.
    """
    config = whole_config(stack)
    if stack == "dev":
        config = _without_chat(config)
    if only is not None:
        kept = {f"kumiki:{section}" for section in (*ALWAYS, *only)}
        config = {key: value for key, value in config.items() if key in kept or key.startswith("pulumi:")}
    return {key: value for key, value in {**config, **changes}.items() if value is not None}


_OF_CHAT = ("apiLogRole", "apis", "cache", "functions", "site", "userPool")
_PARTS_OF_CHAT = {"queues": ["webhooks"], "secrets": ["webhook-key"], "tables": ["connections", "deliveries"]}


def _without_chat(config: Mapping[str, Any]) -> dict[str, Any]:
    left = {key: value for key, value in config.items() if key.removeprefix("kumiki:") not in _OF_CHAT}
    for section, names in _PARTS_OF_CHAT.items():
        left[f"kumiki:{section}"] = {name: one for name, one in left[f"kumiki:{section}"].items() if name not in names}
    api = {key: value for key, value in left["kumiki:services"]["api"].items() if key != "cache"}
    api["traffic"] = {key: value for key, value in api["traffic"].items() if key not in ("public", "signedIn")}
    left["kumiki:services"] = {**left["kumiki:services"], "api": api}
    waived = [one for one in left["policy:exemptions"] if "session-key" in one["urn"]]
    return {**left, "policy:exemptions": waived}


def project(folder: Path, stack_file: str | Mapping[str, Any], program: str | None = None) -> Path:
    """A project in `folder` with a stack `test`: of Kumiki's own program, or of the given one."""
    main = f"main: {ROOT}\n" if program is None else ""
    name = "kumiki" if program is None else "plain"
    (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n{main}", encoding="utf-8")
    text = stack_file if isinstance(stack_file, str) else yaml.dump(dict(stack_file), Dumper=yaml.CSafeDumper)
    (folder / "Pulumi.test.yaml").write_text(text, encoding="utf-8")
    if program is not None:
        (folder / "__main__.py").write_text(PREAMBLE + dedent(program), encoding="utf-8")
    return folder


def refusal(folder: Path) -> str:
    """The message with which the stack `test` of the project in `folder` is refused. Nothing may have been made."""
    try:
        stack = stacks.load(folder, "test")
    except RehearsalError as refused:
        return f"{refused.message}; {refused.remedy}"
    with run(preview=False, stack=stack.name, root_directory=folder) as recorder:
        pulumi.runtime.set_all_config(stack.config, stack.secret_keys)
        # The engine prints this kind of error as one message, without a stack trace; any other is a fault.
        with pytest.raises(pulumi.RunError) as refused:
            recorder.run(lambda: runpy.run_path(str(stack.main)) and None)
        assert [one.name for one in recorder.resources] == []
    return str(refused.value)


def mistakes(config: Mapping[str, str]) -> tuple[Mistake, ...]:
    """All that the program's checks find in a configuration, before it makes anything; for tests that try thousands."""
    try:
        Settings.parse(config)
    except SettingsError as error:
        return error.mistakes
    return ()
