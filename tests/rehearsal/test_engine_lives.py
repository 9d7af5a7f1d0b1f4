"""The real engine against the rehearsal: the same resources with the same inputs, and nothing to do afterwards.

A minute or more for each stack, and the Pulumi CLI: the workflow of pull requests runs it, and `ENGINE=required` here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from costs.files import stack_names
from engine.run import living
from rehearsal import own_pack
from rehearsal.differences import folded
from rehearsal.marks import REDACTED, SECRET, SIGNATURE
from tests.conftest import ROOT
from tests.rehearsal.conftest import Rehearsed

pytestmark = pytest.mark.skipif(
    os.environ.get("ENGINE") != "required",
    reason="the real engine takes a minute or more for each stack: ENGINE=required runs it, with the CLI on the PATH",
)
_OF_THE_ENGINE = ("pulumi:providers:", "pulumi:pulumi:")


@pytest.mark.parametrize("stack", stack_names(ROOT))
def test_the_engine_does_what_the_rehearsal_tells(stack: str, rehearsed: Callable[[str], Rehearsed]) -> None:
    assert shutil.which("pulumi"), "ENGINE=required needs the Pulumi CLI on the PATH"
    told = rehearsed(stack)

    with living(ROOT, stack, pack=own_pack.FOLDER.resolve(), port=0) as life:
        steps = list(life.steps({}))
        state = life.state()["deployment"]["resources"]
        ends = list(life.end())

    assert [(one.name, one.step.errors, one.step.violations) for one in steps if not one.expected] == []
    engine, rehearsal = {one["urn"]: one for one in state}, {one["urn"]: one for one in told.report["resources"]}
    assert engine.keys() == rehearsal.keys()
    different = {urn: found for urn in engine if (found := _different(engine[urn], rehearsal[urn]))}
    assert different == {}
    assert [(one.name, one.step.errors) for one in ends if not one.expected] == []


def _different(state: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """What the two say otherwise of one resource, by what it is."""
    found = {}
    for ours, theirs in (("type", "type"), ("parent", "parent"), ("protect", "protect")):
        if (state.get(ours) or "") != (report[theirs] or ""):
            found[ours] = state.get(ours), report[theirs]
    if sorted(state.get("dependencies", ())) != sorted(report["depends_on"]):
        found["dependencies"] = state.get("dependencies"), report["depends_on"]
    if state["type"].startswith(_OF_THE_ENGINE):
        return found
    inputs = {key: _shown(one) for key, one in state.get("inputs", {}).items() if not key.startswith("__")}
    others = {key: _shown(one) for key, one in report["inputs"].items()}
    for key in inputs.keys() | others.keys():
        if inputs.get(key) != others.get(key):
            found[key] = inputs.get(key), others.get(key)
    return found


def _shown(value: Any) -> Any:
    """As a report has it: without secrets, and files by their content."""
    if isinstance(value, dict) and value.get(SIGNATURE) == SECRET:
        return REDACTED
    return folded(value)
