"""A system grown in five phases: the files of the phases, and what each step does to what exists."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
import yaml

from changes import phases
from changes.facts import fact
from changes.phases import PHASES, PhaseError, in_phase, phases_of
from changes.stores import STORES
from tests.architecture.test_growth import IN_PLACE, by_name, changes
from tests.architecture.test_whole_stacks import deploy
from tests.conftest import ROOT, run

GROWN = ("analytics", "hybrid", "prod", "serverless")
"""One stack of each pattern that grows."""

STEPS = {
    **IN_PLACE,
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy securityHeadersConfig": "pages may call the pool",
    "aws:ecs/service:Service healthCheckGracePeriodSeconds": "goes with the target group",
    "aws:ecs/service:Service loadBalancers": "what asks for tokens is reached when there are users",
    "aws:ecs/taskDefinition:TaskDefinition containerDefinitions": "a service is told of its models",
    "aws:wafv2/webAcl:WebAcl rules": "the load balancer's firewall knows whom the site has counted",
    "aws:xray/group:Group filterExpression": "the traces of what is new belong to it",
}


@cache
def file(stack: str) -> str:
    return (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")


@pytest.mark.covers("B21")
@pytest.mark.parametrize("stack", GROWN)
def test_each_step_of_a_growing_system_leaves_what_exists_and_replaces_no_store(stack: str) -> None:
    made = None
    files = phases_of(file(stack), stack)
    for phase, text in files.items():
        config = yaml.safe_load(text)["config"]
        if made is not None:
            with run(preview=True) as preview:
                preview.existing = made.made
                deploy(preview, config)
            was, will_be = by_name(made), by_name(preview)
            assert was.keys() - will_be.keys() == set()
            assert will_be.keys() - was.keys(), PHASES[phase - 1]
            found = {(one, change) for one in was for change in changes(was[one], will_be[one])}
            assert {change for _, change in found} - STEPS.keys() == set()
            assert [
                (name, change)
                for (type_, name), change in found
                if type_ in STORES
                and fact(type_, [change.split()[1]], will_be[type_, name].inputs).effect != "in-place"
            ] == []
        if phase != max(files):
            with run(preview=False) as made:
                deploy(made, config)


@pytest.mark.parametrize("stack", sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")))
def test_the_last_phase_is_the_file_and_each_before_is_a_part_of_it(stack: str) -> None:
    assert in_phase(file(stack), stack, len(PHASES)) == file(stack)
    files = [yaml.safe_load(in_phase(file(stack), stack, phase))["config"] for phase in range(1, len(PHASES) + 1)]
    for smaller, larger in pairwise(files):
        assert is_part(smaller, larger)


def is_part(smaller: object, larger: object) -> bool:
    if isinstance(smaller, dict) and isinstance(larger, dict):
        return all(key in larger and is_part(value, larger[key]) for key, value in smaller.items())
    return smaller == larger


def test_a_section_goes_with_its_comment_and_no_other() -> None:
    text = (
        "config:\n"
        "  # Of the network.\n"
        "  kumiki:network: {zones: 2}\n"
        "\n"
        "  # Of the database,\n"
        "  # two lines.\n"
        "  kumiki:database:\n"
        "    # Inside.\n"
        "    engine: rds\n"
        "\n"
        "  # Of the alerts.\n"
        "  kumiki:alerts: {}\n"
    )
    assert in_phase(text, "any", 1) == (
        "config:\n  # Of the network.\n  kumiki:network: {zones: 2}\n\n  # Of the alerts.\n  kumiki:alerts: {}\n"
    )
    assert in_phase(text, "any", 2) == text


def test_a_path_that_the_file_does_not_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"every stack": {}, "any": {"databases": ["apis.app"]}}
    monkeypatch.setattr(phases, "_table", lambda: table)
    with pytest.raises(PhaseError, match=r"any: apis\.app, which Pulumi\.any\.yaml does not have as a block"):
        in_phase("config:\n  kumiki:apis: {app: {}}\n", "any", 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serverless", "6"], "there is no phase '6'"),
        (["serverless", "database"], "did you mean 'databases'?"),
        (["nowhere", "1"], "there is no Pulumi.nowhere.yaml"),
        (["serverless"], "Say which"),
    ],
)
def test_a_wrong_call_is_told_what_is_right(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert phases.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_phase_is_printed_by_its_name_or_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert phases.main(["serverless", "databases"]) == 0
    by_its_name = capsys.readouterr().out
    assert phases.main(["serverless", "2"]) == 0
    assert capsys.readouterr().out == by_its_name
    config = yaml.safe_load(by_its_name)["config"]
    assert "kumiki:database" in config
    assert "kumiki:functions" not in config
