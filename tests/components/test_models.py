"""The table of Bedrock's models: what can be invoked from where, and where it is answered."""

from __future__ import annotations

from datetime import date

import pytest

from components.intelligence.model import WORLD
from components.intelligence.models import JAPAN, MODELS, ended, legacy, offered, unreachable
from components.values import REGIONS

TOKYO = "ap-northeast-1"
BEFORE_ALL_ENDS, AFTER_ALL_ENDS = date(2025, 6, 1), date(2030, 1, 1)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_each_model_says_whence_it_is_known_and_what_takes_its_place(name: str) -> None:
    model = MODELS[name]
    assert model.source.startswith("https://")
    assert date(2025, 1, 1) <= model.checked
    assert model.successor is None or model.successor in MODELS
    assert (model.kind == "embedding") == bool(model.dimensions)
    assert model.kind == "embedding" or model.most_output_tokens or not model.profiles
    if model.ends is not None:
        assert model.successor is not None, "who must leave a model must know where to go"
        assert model.legacy_since is None or model.legacy_since < model.ends


@pytest.mark.parametrize("name", sorted(MODELS))
def test_each_place_of_a_model_is_a_region_of_aws(name: str) -> None:
    model = MODELS[name]
    places = {*model.direct}
    for destinations in model.profiles.values():
        for source, answered in destinations.items():
            places |= {source, *answered}
    assert places - {WORLD} <= {*REGIONS}


def test_a_profile_of_japan_is_answered_in_tokyo_and_osaka_only() -> None:
    for model in MODELS.values():
        for answered in model.profiles.get("jp", {}).values():
            assert answered == JAPAN


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_profile_of_the_world_is_never_within_regions(name: str) -> None:
    for source in MODELS[name].profiles.get("global", {}):
        route = MODELS[name].route(source, REGIONS)
        assert route is None or not route.model_id.startswith("global.")


def test_a_model_is_taken_where_it_is_before_a_profile_of_it() -> None:
    embedding = MODELS["titan-embed-text-v2"].route(TOKYO, JAPAN)
    assert embedding is not None
    assert (embedding.model_id, embedding.profile) == ("amazon.titan-embed-text-v2:0", None)
    assert embedding.destinations == (TOKYO,)


def test_a_chat_model_in_japan_is_reached_by_the_profile_of_japan() -> None:
    route = MODELS["claude-sonnet-4-6"].route(TOKYO, JAPAN)
    assert route is not None
    assert route.profile == "jp.anthropic.claude-sonnet-4-6"
    assert route.foundation_model == "anthropic.claude-sonnet-4-6"
    assert route.destinations == JAPAN


def test_a_profile_needs_all_its_destinations_to_be_allowed() -> None:
    """Bedrock chooses the destination, so one region of two is none."""
    assert MODELS["claude-sonnet-4-6"].route(TOKYO, (TOKYO,)) is None


def test_a_profile_can_be_asked_for_in_its_own_regions_only() -> None:
    assert MODELS["nova-2-lite"].route("ap-northeast-3", JAPAN) is None


def test_the_model_of_the_document_has_ended_and_its_successor_is_named() -> None:
    said = ended("claude-3-5-sonnet")
    assert said is not None
    assert "2026-03-01" in said
    assert "use claude-sonnet-4-6" in said
    assert MODELS["claude-3-5-sonnet"].id == "anthropic.claude-3-5-sonnet-20240620-v1:0"


def test_a_model_is_legacy_from_the_day_that_aws_named_until_its_end() -> None:
    days = {
        date(2026, 7, 7): "active",
        date(2026, 7, 8): "legacy",
        date(2027, 1, 7): "legacy",
        date(2027, 1, 8): "ended",
    }
    assert {day: MODELS["claude-opus-4-1"].state(day) for day in days} == days
    said = legacy("claude-opus-4-1", date(2026, 12, 1))
    assert said is not None
    assert "ends at Bedrock on 2027-01-08; use claude-opus-4-8" in said
    assert legacy("claude-sonnet-4-6", BEFORE_ALL_ENDS) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("claude-sonnet-5", "global.anthropic.claude-sonnet-5 answers in any region of the world"),
        ("nova-pro", "apac.amazon.nova-pro-v1:0 answers in ap-northeast-2, ap-south-1"),
        ("claude-opus-4-1", f"is not offered in {TOKYO}; use claude-opus-4-8"),
        ("cohere-embed-v4", "use one that stays, such as cohere-embed-multilingual-v3 or titan-embed-text-v2"),
    ],
)
def test_it_is_said_where_the_requests_of_a_model_would_go(name: str, said: str) -> None:
    assert said in (unreachable(name, TOKYO, JAPAN) or "")


def test_what_stays_in_japan_is_offered() -> None:
    assert {"claude-sonnet-4-6", "claude-haiku-4-5", "nova-2-lite"} <= {*offered(TOKYO, JAPAN, "chat")}
    assert "titan-embed-text-v2" in offered(TOKYO, JAPAN, "embedding")
    assert "claude-sonnet-5" not in offered(TOKYO, JAPAN, "chat")
    assert not {"claude-3-5-sonnet", "claude-sonnet-4"} & {*offered(TOKYO, REGIONS, "chat", AFTER_ALL_ENDS)}
