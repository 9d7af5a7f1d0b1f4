"""What is refused in a workflow's definition, a schedule's expression and an event's pattern, before AWS sees it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.args import Args
from components.errors import ArgumentError
from components.messaging.definition import Kind, definition_mistakes, filled, placeholder_mistakes, placeholders
from components.messaging.expressions import ScheduleExpression, Timezone, pattern_mistakes
from tests.conftest import ROOT

Machine = dict[str, Any]
GOOD: Machine = {
    "StartAt": "Any work?",
    "States": {
        "Any work?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 0, "Next": "Each"}],
            "Default": "Nothing",
        },
        "Nothing": {"Type": "Succeed"},
        "Each": {
            "Type": "Map",
            "ItemProcessor": {
                "StartAt": "Work",
                "States": {"Work": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}},
            },
            "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 2}, {"ErrorEquals": ["States.ALL"]}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
            "Next": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 1, "End": True}}}],
            "End": True,
        },
        "Failed": {"Type": "Fail", "Error": "Broken"},
    },
}


def changed(change: Callable[[Machine], Any]) -> str:
    machine = copy.deepcopy(GOOD)
    change(machine)
    return json.dumps(machine)


def said(text: str, kind: Kind = "STANDARD") -> str:
    return "\n".join(str(mistake.at("definition")) for mistake in definition_mistakes(text, kind))


def work(machine: Machine) -> Machine:
    return machine["States"]["Each"]["ItemProcessor"]["States"]["Work"]


@pytest.mark.parametrize("path", sorted((ROOT / "workloads" / "workflows").glob("*.asl.json")), ids=lambda p: p.name)
def test_every_definition_of_the_project_is_sound_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)["Comment"]
    assert list(definition_mistakes(text)) == []
    assert list(placeholder_mistakes(text, placeholders(text))) == []


def test_a_sound_definition_is_taken() -> None:
    assert said(json.dumps(GOOD)) == ""


def test_all_that_is_wrong_is_said_at_once() -> None:
    def change(machine: Machine) -> None:
        machine["States"]["Each"].update(Retyr=[])
        work(machine).pop("Resource")

    assert said(changed(change)).count("\n") == 1


WAITING = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda m: m.pop("StartAt"), "definition.StartAt: None is not a state; use one of"),
        (lambda m: m.update(StartAt="Eech"), "definition.StartAt: 'Eech' is not a state; did you mean 'Each'"),
        (lambda m: m.update(States={}), "definition.States: {} is missing or empty"),
        (lambda m: m.update(Startat="x"), "'Startat' is not a field of a state machine; did you mean 'StartAt'"),
        (lambda m: m["States"]["Each"].update(Next="Boht"), r"States.Each.Next: 'Boht' is not a state .*mean 'Both'"),
        (lambda m: m["States"]["Each"]["Catch"][0].update(Next="No"), r"Catch\[0\].Next: 'No' is not a state"),
        (lambda m: m["States"]["Any work?"].update(Default="No"), "Default: 'No' is not a state"),
        (lambda m: m["States"].update(Lost={"Type": "Succeed"}), "'Lost' is never reached from Any work"),
        (lambda m: m["States"]["Both"].pop("End"), "States.Both: .*either \"Next\" or \"End\": true"),
        (lambda m: m["States"]["Each"].update(End=True), "leads nowhere or two ways"),
        (lambda m: m["States"]["Each"].update(Type="Mapp"), "'Mapp' is not a type of state; did you mean 'Map'"),
        (lambda m: m["States"]["Each"].update(Retyr=[]), "'Retyr' is not a field of Map; did you mean 'Retry'"),
        (lambda m: m["States"]["Each"]["Retry"].reverse(), "States.ALL, which must stand alone and last in Retry"),
        (lambda m: m["States"]["Each"]["Retry"][0].update(MaxAttempts=-1), "MaxAttempts: -1 must be a number from 0"),
        (lambda m: m["States"]["Each"]["Catch"][0].pop("ErrorEquals"), "ErrorEquals: None is missing or empty"),
        (lambda m: m["States"]["Each"].pop("ItemProcessor"), "ItemProcessor: None is missing"),
        (lambda m: m["States"]["Both"].update(Branches=[]), "Branches: .. is missing or empty"),
        (lambda m: m["States"]["Any work?"]["Choices"][0].pop("Next"), "leads nowhere; give it a Next"),
        (lambda m: m["States"]["Any work?"]["Choices"][0].pop("Variable"), "asks nothing"),
        (lambda m: work(m).pop("Resource"), "Work.Resource: None is not an ARN"),
        (lambda m: work(m).update(Resource=WAITING), "would wait for a year when nobody answers"),
        (lambda m: work(m).update(Next="Both", End=False), "'Both' is not a state of this level"),
        (
            lambda m: m["States"]["Both"]["Branches"][0].update(
                StartAt="Work", States={"Work": {"Type": "Wait", "Seconds": 1, "End": True}}
            ),
            "'Work' is the name of two states",
        ),
        (lambda m: m["States"]["Both"]["Branches"][0]["States"]["Pause"].pop("Seconds"), "one way how long to wait"),
    ],
)  # fmt: skip
def test_what_aws_would_refuse_or_never_run_is_refused_with_its_place(change: Any, part: str) -> None:
    assert re.search(part, said(changed(change)))


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"'])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    assert re.search(r"is not JSON|is not a state machine", said(text))


def test_a_circle_without_end_is_refused() -> None:
    circle = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}}
    assert "circle" in said(json.dumps(circle))


@pytest.mark.parametrize(("kind", "refused"), [("STANDARD", False), ("EXPRESS", True)])
def test_only_standard_workflows_can_wait_for_others(kind: Kind, refused: bool) -> None:
    text = changed(lambda m: work(m).update(Resource=WAITING, TimeoutSeconds=60))
    assert ("waits, which EXPRESS workflows cannot" in said(text, kind)) is refused


@pytest.mark.parametrize("text", ['"${a-b}"', '"${}"', '"${a"', '"${1a}"'])
def test_what_is_meant_as_a_placeholder_and_is_none_is_refused(text: str) -> None:
    assert "is not a placeholder" in str(next(placeholder_mistakes(text, ["a", "b"])))


def test_a_value_cannot_break_the_json_or_bring_a_placeholder_of_its_own() -> None:
    assert filled({"x": ["${a}-${b}", 1]}, {"a": '"${b}"', "b": "\\"}) == {"x": ['"${b}"-\\', 1]}


# --- Expressions -----------------------------------------------------------------------------------------------------


class When(Args):
    """What somebody may say of the time."""

    expression: ScheduleExpression = "rate(1 hour)"
    timezone: Timezone = "UTC"


@pytest.mark.parametrize(
    "expression",
    ["cron(0 2 * * ? *)", "cron(0/15 8-17 ? * MON-FRI 2026)", "cron(0 0 L * ? *)", "cron(0 0 15W * ? *)",
     "cron(0 0 LW * ? *)", "cron(0 0 ? JAN,JUL 3#2 *)", "cron(0 0 ? * 5L 2026-2030)", "cron(0,30 */2 1,15 * ? *)",
     "rate(1 hour)", "rate(1 hours)", "rate(5 minutes)", "rate(2 days)", "at(2030-01-31T02:00:00)"],
)  # fmt: skip
def test_what_the_scheduler_takes_is_taken(expression: str) -> None:
    assert When(expression=expression).expression == expression


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("", "is not a schedule; write cron"),
        ("0 2 * * *", "is not a schedule"),
        ("Cron(0 2 * * ? *)", "is not a schedule"),
        ("cron(0 2 * * *)", "has 5 fields and needs 6.*AWS adds a year"),
        ("cron(0 2 * * * *)", "exactly one of day of month and day of week, and neither is"),
        ("cron(0 2 ? * ? *)", "and both are"),
        ("cron(60 2 * * ? *)", "'60' as minutes.*use 0 to 59"),
        ("cron(0 24 * * ? *)", "as hours.*use 0 to 23"),
        ("cron(0 2 32 * ? *)", "as day of month.*use 1 to 31"),
        ("cron(0 2 1 13 ? *)", "as month.*use 1 to 12 or JAN to DEC"),
        ("cron(0 2 ? * 0 *)", "as day of week.*use 1 to 7 or SUN to SAT"),
        ("cron(0 2 ? * 3#6 *)", "'3#6' is not allowed"),
        ("cron(0 2 * * ? 1969)", "as year.*use 1970 to 2199"),
        ("cron(0/0 2 * * ? *)", "the step '0' must be a whole number from 1"),
        ("cron(0,,5 2 * * ? *)", "'' is not allowed"),
        ("cron(? 2 * * ? *)", "'[?]' is not allowed"),
        ("rate(0 minutes)", "whole number from 1"),
        ("rate(1.5 hours)", "whole number from 1"),
        ("rate(5 minute)", r"write rate\(5 minutes\)"),
        ("rate(5 weeks)", "one of minute, hour, day"),
        ("at(2030-02-31T02:00:00)", "is not a moment.*day"),
        ("at(2030-01-31T02:00:00Z)", "without offset"),
    ],
)
def test_what_the_scheduler_refuses_is_refused_with_the_mend(expression: str, part: str) -> None:
    with pytest.raises(ArgumentError, match=part):
        When(expression=expression)


def test_a_time_zone_is_one_that_exists() -> None:
    assert When(timezone="Asia/Tokyo").timezone == "Asia/Tokyo"
    with pytest.raises(ArgumentError, match="did you mean 'Asia/Tokyo'"):
        When(timezone="Asia/Tokio")


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ({}, "would match every event"),
        ({"detailType": ["x"]}, "is not a field of an event; did you mean 'detail-type'"),
        ({"source": "x"}, "pattern.source: 'x' must be a list"),
        ({"source": []}, "not an empty one"),
        ({"detail": {"state": {"name": "x"}}}, "pattern.detail.state.name: 'x' must be a list"),
    ],
)
def test_a_pattern_that_aws_refuses_or_that_matches_everything_is_refused(pattern: Machine, part: str) -> None:
    assert re.search(part, "\n".join(str(mistake.at("pattern")) for mistake in pattern_mistakes(pattern)))


def test_a_pattern_may_compare_numbers() -> None:
    assert list(pattern_mistakes({"source": ["x"], "detail": {"size": [{"numeric": [">", 1]}]}})) == []
