"""The real engine against the rehearsal: the same resources with the same inputs, and nothing to do afterwards.

A minute or more for each stack, and the Pulumi CLI: the workflow of pull requests runs it, and `ENGINE=required` here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from costs.files import stack_names
from engine.cli_process import Step
from engine.run import living
from rehearsal import own_pack
from rehearsal.differences import folded
from rehearsal.marks import REDACTED, SECRET, SIGNATURE
from rehearsal.texts import texts
from tests.conftest import ROOT
from tests.rehearsal.conftest import Rehearsed
from tests.stack_files import project

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


_TWO_STACKS = """
if pulumi.get_stack() == "test":
    queue = aws.sqs.Queue("jobs", visibility_timeout_seconds=30, opts=opts)
    logs = aws.cloudwatch.LogGroup("logs", name="logs", retention_in_days=30, opts=opts)
    pulumi.export("jobs", queue.arn)
else:
    jobs = pulumi.StackReference("organization/plain/test").require_output("jobs")
    aws.sns.TopicSubscription(
        "jobs", topic=aws.sns.Topic("news", opts=opts).arn, protocol="sqs", endpoint=jobs, opts=opts
    )
"""


def test_what_a_person_does_by_hand_works_in_a_run(tmp_path: Path) -> None:
    """Two stacks in one account, drift, an import, an update of one resource, protection."""
    program = project(tmp_path, {"config": {}}, _TWO_STACKS)
    (program / "Pulumi.other.yaml").write_text("config: {}\n", encoding="utf-8")
    with living(program, "test", pack=None, port=0) as life:

        def deploy(*arguments: str, stack: str = "test") -> Step:
            log = tmp_path / "events.json"
            log.unlink(missing_ok=True)
            return life.cli.deploy(log, *arguments, "--stack", stack)

        def logs() -> Any:
            return boto3.client(
                "logs",
                region_name="ap-northeast-1",
                endpoint_url=life.address,
                aws_access_key_id="any",
                aws_secret_access_key="any",
            )

        assert all(done.expected for done in life.steps({}))
        life.begin("other")
        other = deploy("up", "--yes", "--skip-preview", stack="other")
        logs().put_retention_policy(logGroupName="logs", retentionInDays=7)
        drift = deploy("refresh", "--yes", "--skip-preview")
        urns = {one["urn"].rpartition("::")[2]: one["urn"] for one in life.state()["deployment"]["resources"]}
        targeted = deploy("up", "--yes", "--skip-preview", "--target", urns["logs"])
        logs().create_log_group(logGroupName="by-hand")
        imported = deploy(
            "import",
            "aws:cloudwatch/logGroup:LogGroup",
            "hand",
            "by-hand",
            "--generate-code=false",
            "--yes",
            "--skip-preview",
            "--protect=false",
            "--provider",
            f"provider={urns['provider']}",
        )
        life.cli.plain("state", "protect", urns["jobs"], "--yes", "--stack", "test")
        refused = deploy("destroy", "--yes")
        ends = list(life.end())

    assert (other.status, other.changes["create"]) == (0, 4)
    assert drift.changes["update"] == 1
    assert {urn.rpartition("::")[2]: what for urn, what in targeted.touched.items()} == {
        "logs": ("update", ("retentionInDays",))
    }
    assert (imported.status, imported.errors) == (0, ())
    assert refused.status != 0
    assert ends[-1].expected


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
        if not _same(inputs.get(key), others.get(key)):
            found[key] = inputs.get(key), others.get(key)
    return found


def _same(engine: Any, rehearsal: Any) -> bool:
    """The engine takes a list with a secret in it for secret as a whole."""
    if engine == REDACTED:
        return REDACTED in texts(rehearsal)
    if isinstance(engine, dict) and isinstance(rehearsal, dict):
        return all(_same(engine.get(key), rehearsal.get(key)) for key in engine.keys() | rehearsal.keys())
    if isinstance(engine, list) and isinstance(rehearsal, list) and len(engine) == len(rehearsal):
        return all(map(_same, engine, rehearsal))
    return engine == rehearsal


def _shown(value: Any) -> Any:
    """As a report has it: without secrets, and files by their content."""
    if isinstance(value, dict) and value.get(SIGNATURE) == SECRET:
        return REDACTED
    return folded(value)
