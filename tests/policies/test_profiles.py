"""What the pack asks of anybody's program."""

from __future__ import annotations

import json

import pytest
from guardrails.rules import RULES

from rehearsal.pack import choices_in
from rehearsal.problems import SettingsError
from rehearsal.profiles import PROFILES, default, named

_LEVELS = json.loads((PROFILES["general"].levels or "").read_text(encoding="utf-8"))  # type: ignore[union-attr]


def test_the_general_profile_is_a_file_that_pulumi_up_takes_too_and_names_rules_that_there_are() -> None:
    levels = PROFILES["general"].levels
    assert levels is not None
    assert set(choices_in(levels)) - {"all"} <= {rule.id for rule in RULES}
    assert _LEVELS["all"] == "advisory"


@pytest.mark.parametrize("topic", ["naming", "tagging", "residency"])
def test_no_rule_of_the_house_judges_anybodys_program(topic: str) -> None:
    of_house = {rule.id for rule in RULES if topic in rule.topics}
    # What AWS itself refuses of names stays.
    assert {one for one in of_house if _LEVELS.get(one) == "mandatory"} <= {"name-length", "name-not-reserved"}


def test_what_aws_does_by_itself_since_2023_is_not_asked_for() -> None:
    assert {_LEVELS[one] for one in ("bucket-access-block", "bucket-encryption", "queue-encrypted")} == {"disabled"}


def test_our_own_project_is_of_the_house_and_any_other_is_not() -> None:
    assert default("kumiki").name == "house"
    assert default("my-app").name == "general"
    assert named(None) is None
    with pytest.raises(SettingsError, match="there is no such profile"):
        named("strict")
