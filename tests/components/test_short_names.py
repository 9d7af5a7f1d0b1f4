"""Names for what AWS gives few characters."""

from __future__ import annotations

import pytest

from components.short_names import digested, shortened


@pytest.mark.covers("D9")
@pytest.mark.parametrize(
    ("name", "ending", "begins"),
    [
        ("deepwiki-omr-staging-api", "-tg", "deepwiki-omr-staging-api-tg-"),
        ("deepwiki-omr-prod-api", "-tg2", "deepwiki-omr-prod-api-tg2-"),
        ("a" * 40, "-tg", "aaaa"),
    ],
)
def test_a_name_that_is_too_long_keeps_its_first_words_and_its_ending(name: str, ending: str, begins: str) -> None:
    made = digested(name, 32, ending=ending)
    assert len(made) <= 32
    assert made.startswith(begins)
    assert made == digested(name, 32, ending=ending)


def test_what_fits_stays_and_two_long_names_stay_two() -> None:
    assert shortened("wiki-dev-tracing", 32, ending="-faults") == "wiki-dev-tracing-faults"
    assert shortened("x" * 32, 32) == "x" * 32
    one, other = (shortened(f"deepwiki-omr-staging-tracing-{last}", 32, ending="-faults") for last in "ab")
    assert one != other
    assert digested("wiki-dev-api", 32, also="8000") != digested("wiki-dev-api", 32, also="8080")
