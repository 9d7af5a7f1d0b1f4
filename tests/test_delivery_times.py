"""How long the parts of a delivery wait: each longer than what it waits for, and shorter than what ends it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from botocore.session import get_session

from components.compute.host_deployment import DEPLOYMENT
from components.compute.traffic_shifting import DeploymentConfig
from components.delivery.deploy_role import DeployRoleArgs
from tests.test_workflows import ROOT, SCRIPTS, jobs

# What aws-actions/configure-aws-credentials asks for by itself.
HOUR = 3600
# A runner that starts, a checkout, credentials.
AROUND_MINUTES = 5


def sessions() -> Iterator[tuple[str, dict[str, Any], int]]:
    """Each job that assumes a role: its name, itself, and how many seconds the credentials live."""
    for name, job_name, job in jobs():
        for step in job["steps"]:
            if "configure-aws-credentials" in step.get("uses", ""):
                yield f"{name}.{job_name}", job, step["with"].get("role-duration-seconds", HOUR)


@pytest.mark.parametrize(("name", "job", "seconds"), [pytest.param(*one, id=one[0]) for one in sessions()])
def test_credentials_live_as_long_as_the_job_that_has_them(name: str, job: dict[str, Any], seconds: int) -> None:
    assert job["timeout-minutes"] * 60 <= seconds, name
    if "DEPLOY_ROLE_ARN" in json.dumps(job["steps"]):
        given = DeployRoleArgs(repository="acme/wiki", github_environment="dev")
        assert seconds <= given.session_minutes * 60, "the role gives no session that is longer"


def minutes(script: str) -> int:
    """After which a script gives up."""
    found = re.search(r"^minutes=(\d+)$", (SCRIPTS / script).read_text(encoding="utf-8"), re.MULTILINE)
    assert found, script
    return int(found[1])


def takes(shift: str) -> int:
    """Minutes until CodeDeploy has moved all calls: linear shifts move a tenth each time."""
    found = re.fullmatch(r"(canary|linear)10Percent(?:Every)?(\d+)Minutes?", shift)
    assert found, shift
    return int(found[2]) * (10 if found[1] == "linear" else 1)


def test_the_longest_shift_of_calls_is_waited_for() -> None:
    assert max(takes(shift) for shift in get_args(DeploymentConfig)) == 100
    assert minutes("function.sh") > max(takes(shift) for shift in get_args(DeploymentConfig))


def test_a_migration_is_waited_for_with_one_that_goes_before_it() -> None:
    text = (ROOT / "workloads/api/migrate.py").read_text(encoding="utf-8")
    (seconds,) = re.findall(r"^STATEMENT_SECONDS = (\d+)$", text, re.MULTILINE)
    assert minutes("migrate.sh") >= 2 * math.ceil(int(seconds) / 60) + AROUND_MINUTES


def test_a_host_is_waited_for_until_its_document_gives_up() -> None:
    (attempts,) = re.findall(r"attempt <= (\d+);", (SCRIPTS / "host.sh").read_text(encoding="utf-8"))
    (step,) = DEPLOYMENT["mainSteps"]
    assert int(attempts) * 5 > int(step["inputs"]["timeoutSeconds"])


def waits() -> dict[str, float]:
    """Minutes that each script waits at most."""
    waiter = get_session().get_waiter_model("ecs").get_waiter("ServicesStable")
    text = (SCRIPTS / "service.sh").read_text(encoding="utf-8")
    stable = text.count("aws ecs wait services-stable") * waiter.delay * waiter.max_attempts / 60
    (attempts,) = re.findall(r"attempt <= (\d+);", (SCRIPTS / "host.sh").read_text(encoding="utf-8"))
    return {
        "function.sh": minutes("function.sh"), "migrate.sh": minutes("migrate.sh"), "host.sh": int(attempts) * 5 / 60,
        "service.sh settled": stable, "service.sh back": stable,
    }  # fmt: skip


def test_a_job_outlasts_what_its_scripts_wait_for() -> None:
    seen: set[str] = set()
    for name, job_name, job in jobs():
        text = json.dumps(job["steps"])
        here = [script for script in waits() if f"scripts/{script}" in text]
        seen |= set(here)
        if here:
            assert job["timeout-minutes"] >= sum(waits()[script] for script in here) + AROUND_MINUTES, (
                f"{name}.{job_name}"
            )
    assert seen == set(waits())


def test_the_longest_wait_for_a_service_is_the_providers_own() -> None:
    assert waits()["service.sh settled"] >= 20
