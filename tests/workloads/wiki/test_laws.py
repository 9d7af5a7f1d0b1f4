"""What holds for every text, every ranking and every setting."""

from __future__ import annotations

import itertools
import re

import pytest
from api.settings import SettingsError
from hypothesis import given
from hypothesis import strategies as st
from wiki.github import File, folders
from wiki.pages import parts
from wiki.search import fused
from wiki.settings import Settings

from tests.workloads.wiki.stand_ins import GitHub

rankings = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), max_size=4)
texts = st.text(alphabet=st.sampled_from("abc。. \n日本語"), max_size=400)


@given(texts, st.integers(2, 50))
def test_pieces_are_the_text_and_none_is_too_long_or_empty(text: str, most: int) -> None:
    found = parts(text, most)
    assert re.sub(r"\s", "", "".join(found)) == re.sub(r"\s", "", text)
    assert all(piece.strip() and len(piece) <= most for piece in found)
    assert all(piece in text for piece in found)


@given(texts, st.integers(2, 50))
def test_a_piece_ends_where_a_paragraph_a_line_a_sentence_or_a_word_does_if_one_does(text: str, most: int) -> None:
    found = parts(text, most)
    for piece in found[:-1]:
        if len(piece) < most and not piece.endswith(("\n", "。", " ")):
            pytest.fail(f"{piece!r} ends in the midst of a word although there was room")
        if len(piece) == most and not piece.endswith(("\n", "。", " ")):
            assert not re.search(r"[\n。 ]", piece[most // 2 :])


def test_a_long_word_is_cut_where_it_must_be() -> None:
    assert parts("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert parts("一文。二文。三文。", 7) == ["一文。二文。", "三文。"]
    assert parts("", 10) == parts(" \n", 10) == []


@given(rankings)
def test_a_fusion_has_each_thing_once_and_the_best_first(lists: list[list[str]]) -> None:
    found = fused(lists)
    assert sorted(thing for thing, _ in found) == sorted({*itertools.chain(*lists)})
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


@given(rankings)
def test_the_order_of_the_rankings_decides_nothing_but_between_equals(lists: list[list[str]]) -> None:
    one, other = dict(fused(lists)), dict(fused(lists[::-1]))
    assert one == pytest.approx(other)


@given(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8))
def test_one_ranking_stays_as_it_is(ranking: list[str]) -> None:
    assert [thing for thing, _ in fused([ranking])] == ranking
    assert [thing for thing, _ in fused([ranking, ranking])] == ranking
    assert [thing for thing, _ in fused([ranking, []])] == ranking


@given(rankings, st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"))
def test_what_is_nowhere_behind_another_is_not_behind_it_in_the_end(lists: list[list[str]], a: str, b: str) -> None:
    def place(ranking: list[str], thing: str) -> float:
        return ranking.index(thing) if thing in ranking else float("inf")

    scores = dict(fused(lists))
    if all(place(one, a) <= place(one, b) for one in lists):
        assert scores.get(a, 0) >= scores.get(b, 0)


@given(rankings, st.sampled_from("abcdefgh"))
def test_a_better_place_never_makes_a_score_worse(lists: list[list[str]], thing: str) -> None:
    before = dict(fused(lists)).get(thing, 0)
    raised = [[thing, *(one for one in ranking if one != thing)] for ranking in lists]
    assert dict(fused(raised)).get(thing, 0) >= before


@given(st.lists(st.from_regex(r"([a-z]{1,3}/){0,3}[a-z]{1,3}\.py", fullmatch=True), unique=True, max_size=20))
def test_each_file_is_of_one_page(paths: list[str]) -> None:
    found = folders(File(path, GitHub.blob(path)) for path in sorted(paths))
    assert sorted(file.path for files in found.values() for file in files) == sorted(paths)
    assert list(found) == sorted(found)


ENOUGH = {
    "TABLE_REPOSITORIES": "r", "TABLE_PAGES": "p", "TABLE_JOBS": "j", "BUCKET_CONTENT": "b", "QUEUE_URL": "q",
    "MODELS_PATH": "/wiki/dev/models",
    "COLLECTION_SEARCH_URL": "https://abc.ap-northeast-1.aoss.amazonaws.com",
}  # fmt: skip


def test_what_is_not_said_is_as_the_design_has_it() -> None:
    settings = Settings.read(ENOUGH)
    assert (settings.service, settings.search_index, settings.drain_seconds) == ("wiki", "pages", 25)
    assert settings.github_api == "https://api.github.com"


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        *(({name: ""}, f"{name} is missing") for name in ENOUGH),
        ({"MODELS_PATH": "models/"}, "MODELS_PATH is 'models/'; use a path"),
        (
            {"COLLECTION_SEARCH_URL": "http://abc.example.com"},
            "COLLECTION_SEARCH_URL is 'http://abc.example.com'; use an address",
        ),
        ({"GITHUB_API": "file:///etc/passwd"}, "GITHUB_API is"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'LOUD'"),
        ({"DRAIN_SECONDS": "500"}, "DRAIN_SECONDS is '500'"),
        ({"OTEL_TRACES_SAMPLER_ARG": "10"}, "OTEL_TRACES_SAMPLER_ARG is '10'; use a number from 0 to 1"),
        ({"OTEL_TRACES_SAMPLER_ARG": "some"}, "OTEL_TRACES_SAMPLER_ARG is 'some'"),
        ({"METRICS_NAMESPACE": "AWS/ECS"}, "METRICS_NAMESPACE is 'AWS/ECS'"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_start_by_its_name(given_: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        Settings.read({**ENOUGH, **given_})
