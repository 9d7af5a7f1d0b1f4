"""The models: which parameters they are sent, how often they are asked, and when they are left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from api import bedrock as model_module
from api.bedrock import PASSING, BadParameters, Breaker, ModelRefused, ModelUnavailable, wait
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from tests.workloads.wiki.conftest import MODEL, Account
from tests.workloads.wiki.stand_ins import vector


def away(_: object, request: Any) -> Any:
    """Nobody is reached."""
    raise EndpointConnectionError(endpoint_url=request.url)


def calm(_: float) -> None:
    """Wait for nothing."""


@pytest.mark.covers("D5")
def test_the_model_is_sent_the_parameters_that_are_there_and_no_others(account: Account) -> None:
    account.models().write("task", "material", calm)
    assert account.bedrock.written[-1]["modelId"] == MODEL
    assert account.bedrock.written[-1]["inferenceConfig"] == {"maxTokens": 4096, "temperature": 0.1}
    account.tell(writer__id="anthropic.claude-3-5-sonnet-20240620-v1:0", writer__top_p="0.9")
    account.models().write("task", "material", calm)
    assert account.bedrock.written[-1]["inferenceConfig"] == {"maxTokens": 4096, "temperature": 0.1, "topP": 0.9}
    account.tell(writer__id="jp.anthropic.claude-opus-4-7", writer__top_p=None, writer__temperature=None)
    account.models().write("task", "material", calm)
    assert account.bedrock.written[-1]["inferenceConfig"] == {"maxTokens": 4096}


def test_the_stand_in_refuses_a_temperature_beside_top_p_where_the_model_does(account: Account) -> None:
    account.tell(writer__top_p="0.9")
    with pytest.raises(ModelRefused, match="cannot both be specified"):
        account.models().write("task", "material", calm)


def test_parameters_are_read_again_each_minute(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    models = account.models()
    assert models.writer().temperature == 0.1
    account.tell(writer__temperature="0.4")
    assert models.writer().temperature == 0.1
    now = model_module.time.monotonic()
    monkeypatch.setattr(model_module.time, "monotonic", lambda: now + 61)
    assert models.writer().temperature == 0.4


def test_parameters_that_cannot_be_read_again_stay_as_they_were(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, never = account.models(), account.models()
    assert models.writer().id == MODEL
    now = model_module.time.monotonic()
    monkeypatch.setattr(model_module.time, "monotonic", lambda: now + 61)
    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", away)
    assert models.writer().id == MODEL
    with pytest.raises(ModelUnavailable, match="which models there are"):
        never.writer()


def test_parameters_that_make_no_sense_are_told_by_their_names(account: Account) -> None:
    read = account.models().parameters
    assert not {name for name in read("embedder") if not name.startswith("embedder/")}, "of its own uses only"
    good = {**read("writer"), **read("embedder")}
    wrong: list[tuple[dict[str, str | None], str]] = [
        ({"writer/id": None}, "writer/id is missing"),
        ({"writer/max-tokens": None}, "writer/max-tokens is missing"),
        ({"writer/temperature": "warm"}, "writer/temperature is 'warm'; use a number from 0 to 1"),
        ({"writer/top-p": "2"}, "writer/top-p is '2'; use a number from 0 to 1"),
        ({"embedder/dimensions": "512"}, "embedder/dimensions is 512, and the index has vectors of 1024"),
        ({"embedder/id": None}, "embedder/id is missing"),
    ]
    for changes, words in wrong:
        models = account.models()
        models.parameters = lambda _, changes=changes: {
            name: value for name, value in {**good, **changes}.items() if value is not None
        }
        with pytest.raises(BadParameters, match=words):
            _ = models.writer(), models.embedder()


def test_what_is_read_is_marked_for_the_guardrail_where_there_is_one(account: Account) -> None:
    account.models().write("task", "material", calm)
    assert "guardrailConfig" not in account.bedrock.written[-1]
    account.tell(writer__guardrail_id="gr1234567890", writer__guardrail_version="2")
    account.models().write("task", "material", calm)
    [request] = account.bedrock.written[1:]
    assert request["guardrailConfig"] == {"guardrailIdentifier": "gr1234567890", "guardrailVersion": "2"}
    assert request["messages"] == [{"role": "user", "content": [{"guardContent": {"text": {"text": "material"}}}]}]
    assert request["system"] == [{"text": "task"}]


def test_what_a_guardrail_stops_is_no_page(account: Account) -> None:
    for reason in ("guardrail_intervened", "content_filtered", "refusal"):
        account.bedrock.stop_reason = reason
        with pytest.raises(ModelRefused, match=reason):
            account.models().write("task", "material", calm)


@pytest.mark.covers("D5")
def test_a_text_becomes_a_vector_of_the_indexs_length(account: Account) -> None:
    assert account.models().embed("counts words", calm) == pytest.approx(vector("counts words"))
    account.tell(embedder__id="amazon.titan-embed-text-v1")
    with pytest.raises(ModelRefused, match="no model"):
        account.models().embed("counts words", calm)


def test_what_passes_is_asked_again_after_a_random_while(account: Account) -> None:
    for error in sorted(PASSING - {"ServiceQuotaExceededException"}):
        account.bedrock.failures, waits = [error] * 3, []
        assert account.models().write("task", "material", waits.append)
        assert len(waits) == 3
        assert all(0 <= seconds <= 0.5 * 2**attempt for attempt, seconds in enumerate(waits))


def test_what_does_not_pass_is_not_asked_again(account: Account) -> None:
    models = account.models()
    for error in ("AccessDeniedException", "ValidationException", "ResourceNotFoundException"):
        account.bedrock.failures = [error]
        with pytest.raises(ModelRefused, match=error):
            models.write("task", "material", calm)
        assert account.bedrock.failures == []
    assert models.write("task", "material", calm)


def test_a_model_that_stays_away_is_left_alone_and_then_asked_once(account: Account) -> None:
    now = [0.0]
    models = account.models()
    models.breaker = Breaker(clock=lambda: now[0])
    account.bedrock.failures = ["ThrottlingException"] * 6
    with pytest.raises(ModelUnavailable):
        models.write("task", "material", calm)
    assert len(account.bedrock.failures) == 1
    with pytest.raises(ModelUnavailable, match="not asked for a while"):
        models.embed("words", calm)
    assert len(account.bedrock.failures) == 1
    now[0] = 31
    with pytest.raises(ModelUnavailable):
        models.embed("words", calm)
    assert account.bedrock.failures == []
    assert models.breaker.opens_in == 30
    now[0] = 62
    assert models.embed("words", calm)
    assert models.breaker.opens_in == 0


@given(st.integers(0, 50), st.floats(0, 1), st.floats(0.01, 5), st.floats(0.01, 600))
def test_a_wait_is_a_share_of_a_bound_that_doubles_to_an_end(
    attempt: int, share: float, base: float, most: float
) -> None:
    seconds = wait(attempt, base=base, most=most, share=lambda: share)
    assert 0 <= seconds <= min(most, base * 2**attempt)
    assert seconds <= wait(attempt + 1, base=base, most=most, share=lambda: share)


@given(st.lists(st.sampled_from(["good", "bad", "later"]), max_size=60))
def test_a_breaker_lets_nobody_ask_only_after_failures_in_a_row(events: Sequence[str]) -> None:
    now, row = 0.0, 0
    breaker = Breaker(most_failures=3, open_seconds=10, clock=lambda: now)
    for event in events:
        if event == "later":
            now += 10
            continue
        closed = breaker.opens_in > 0
        try:
            breaker.enter()
        except ModelUnavailable:
            assert closed
            assert row >= 3
            continue
        assert not closed
        row = 0 if event == "good" else row + 1
        breaker.note(answered=event == "good")
        assert (breaker.opens_in > 0) == (row >= 3)


def test_of_those_who_wait_for_a_closed_breaker_one_is_let_through() -> None:
    now = [0.0]
    breaker = Breaker(most_failures=1, open_seconds=10, clock=lambda: now[0])
    breaker.note(answered=False)
    now[0] = 11
    breaker.enter()
    with pytest.raises(ModelUnavailable):
        breaker.enter()
