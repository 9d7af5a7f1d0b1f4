"""The lake's night, run on the emulator as the rehearsed stack defines it: order, retries, the gate."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import moto.glue.models
import pytest

from tests.rehearsal.test_specs import Cloud
from tests.workflows import hurried

ROLE = "arn:aws:iam::123456789012:role/night"
JOBS = ("extract", "history", "logs", "cloudwatch", "quality", "activity")
EXTRACT, HISTORY, LOGS, CLOUDWATCH, QUALITY, ACTIVITY = (f"chat-dev-lake-{job}" for job in JOBS)

Run = dict[str, Any]
Night = Callable[..., tuple[dict[str, Any], list[Run]]]


@pytest.fixture
def night(rehearsed: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """One execution of the definition that the stack deploys; `ends` says how the runs of each job end, one by one."""
    (machine,) = [
        json.loads(one["inputs"]["definition"]) for one in rehearsed("analytics").report["resources"]
        if one["type"].endswith("sfn/stateMachine:StateMachine") and one["name"].endswith("-lake-night-state-machine")
    ]  # fmt: skip
    cloud = Cloud()
    runs: list[Run] = []
    ends: dict[str, list[str]] = {}
    start = moto.glue.models.FakeJobRun.__init__

    def started(run: Any, job_name: str, *rest: Any, **more: Any) -> None:
        start(run, job_name, *rest, **more)
        run.status = ends.get(job_name, []).pop(0) if ends.get(job_name) else "SUCCEEDED"
        runs.append({"job": job_name, "ends": run.status, "arguments": run.arguments})

    monkeypatch.setattr(moto.glue.models.FakeJobRun, "__init__", started)
    # It would go on from state to state by itself.
    monkeypatch.setattr(moto.glue.models.FakeJobRun, "advance", lambda _run: None)
    for job in (EXTRACT, HISTORY, LOGS, CLOUDWATCH, QUALITY, ACTIVITY):
        cloud.ask("glue", "CreateJob", Name=job, Role=ROLE, Command={"Name": "glueetl"})
    hurried(machine)
    made = cloud.make("aws:sfn/stateMachine:StateMachine", name="night", definition=json.dumps(machine), roleArn=ROLE)

    def run(told: dict[str, Any] | None = None, **wanted: list[str]) -> tuple[dict[str, Any], list[Run]]:
        ends.update({f"chat-dev-lake-{job}": list(states) for job, states in wanted.items()})
        begun = cloud.ask(
            "stepfunctions", "StartExecution", stateMachineArn=made.id, name=str(uuid.uuid4()),
            input=json.dumps({"arguments": {}} if told is None else told),
        )["executionArn"]  # fmt: skip
        for _ in range(3000):
            found = cloud.ask("stepfunctions", "DescribeExecution", executionArn=begun)
            if found["status"] != "RUNNING":
                return found, runs
            time.sleep(0.1)
        raise AssertionError("the execution did not end")

    yield run
    cloud.account.close()


@pytest.mark.covers("B14")
def test_the_jobs_run_in_order_each_once(night: Night) -> None:
    found, runs = night()
    assert found["status"] == "SUCCEEDED", found
    order = [run["job"] for run in runs]
    assert sorted(order[:4]) == [CLOUDWATCH, EXTRACT, HISTORY, LOGS]
    assert order.index(EXTRACT) < order.index(HISTORY), "what has landed is merged the same night"
    assert order[4:] == [QUALITY, ACTIVITY], "nothing is worked out before it has been checked"


@pytest.mark.covers("B14")
def test_a_gap_is_filled_by_naming_its_days(night: Night) -> None:
    days = {"--from-day": "2026-01-01", "--to-day": "2026-01-31"}
    found, runs = night({"arguments": days})
    assert found["status"] == "SUCCEEDED", found
    told = {run["job"]: run["arguments"] for run in runs}
    assert told[LOGS] == told[CLOUDWATCH] == told[QUALITY] == told[ACTIVITY] == days
    # These two go by what has changed, and by what has landed.
    assert not told[EXTRACT]
    assert not told[HISTORY]


@pytest.mark.covers("B14")
def test_a_job_that_fails_is_tried_again(night: Night) -> None:
    found, runs = night(logs=["FAILED", "TIMEOUT"], activity=["FAILED"])
    assert found["status"] == "SUCCEEDED", found
    assert [run["ends"] for run in runs if run["job"] == LOGS] == ["FAILED", "TIMEOUT", "SUCCEEDED"]
    assert [run["ends"] for run in runs if run["job"] == ACTIVITY] == ["FAILED", "SUCCEEDED"]


@pytest.mark.covers("B14")
def test_a_job_that_fails_for_good_fails_the_night_and_nothing_is_built_on_it(night: Night) -> None:
    found, runs = night(extract=["FAILED"], history=["FAILED"] * 3)
    assert found["status"] == "FAILED"
    assert [run["job"] for run in runs].count(EXTRACT) == 2
    assert [run["job"] for run in runs].count(HISTORY) == 3
    assert {QUALITY, ACTIVITY}.isdisjoint(run["job"] for run in runs)


@pytest.mark.covers("B14")
def test_the_gate_stops_the_night_at_once_and_is_not_tried_again(night: Night) -> None:
    found, runs = night(quality=["FAILED"])
    assert found["status"] == "FAILED"
    assert [run["job"] for run in runs].count(QUALITY) == 1, "what does not add up is not mended by trying again"
    assert ACTIVITY not in [run["job"] for run in runs]
