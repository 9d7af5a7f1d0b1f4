"""The curated zone on a real Spark: sums agree with what they sum, whatever comes late; and the gate before it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

from jobs import activity, extract, history, lake, quality
from jobs.tables import TABLES

from tests.workloads.jobs.regex_steps import Steps
from tests.workloads.jobs.test_history import COLUMNS
from tests.workloads.jobs.test_logs import Zones, record

FRIDAY, SATURDAY, SUNDAY = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class System(Zones):
    """Both sources, all zones."""

    def say(self, *rows: tuple, now: datetime, columns: str = COLUMNS) -> None:
        source = f"{self.folder}/source-{now:%m%d%H}"
        self.spark.createDataFrame(rows, columns).write.parquet(source)
        # Beside the logs, which have a bucket of their own.
        extract.land(self.spark, extract.Files(self.spark, source), f"{self.folder}/landed", now=now)
        history.bring(self.spark, f"{self.folder}/landed", f"{self.folder}/clean", now=now)

    def check(self, window: lake.Window, most_rejected: float = 0.01) -> None:
        quality.check(self.spark, f"{self.folder}/clean", window, most_rejected)

    def work_out(self, window: lake.Window) -> None:
        activity.work_out(self.spark, f"{self.folder}/clean", f"{self.folder}/curated", window)

    def curated(self, table: str) -> list[dict[str, Any]]:
        return [row.asDict() for row in self.spark.read.parquet(f"{self.folder}/curated/{table}").collect()]

    def users(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        return {
            (row["user_id"], f"{row['day']:%a}"): (row["messages"], row["requests"], row["failures"])
            for row in self.curated("users")
        }


@pytest.fixture
def system(spark: SparkSession, tmp_path: Path) -> System:
    return System(spark, tmp_path)


def only(day: date) -> lake.Window:
    return lake.Window(first=day, last=day)


def message(number: int, user: str, at: datetime, content: str = "hello") -> tuple:
    return (number, "c1", "s1", user, "user", content, at, at)


@pytest.mark.covers("B14")
def test_a_day_of_a_user_and_of_a_session_is_summed(system: System) -> None:
    system.say(message(1, "u1", NOON), message(2, "u1", NOON), message(3, "u2", NOON), now=NOON + timedelta(hours=1))
    system.arrive("a", [record(1, status=500, session_id="s1"), record(2, user_id="u3", session_id="s1")])
    system.prepare()
    system.check(only(FRIDAY))
    system.work_out(only(FRIDAY))
    assert system.users() == {("u1", "Fri"): (2, 1, 1), ("u2", "Fri"): (1, 0, 0), ("u3", "Fri"): (0, 1, 0)}
    (session,) = system.curated("sessions")
    assert (session["messages"], session["requests"]) == (3, 2)
    assert session["began"] == datetime(2026, 11, 20, 5, 10, 1, 1000)
    assert session["ended"] == NOON.replace(tzinfo=None)


def test_records_that_arrive_a_day_late_are_added_to_their_own_day(system: System) -> None:
    system.arrive("a", [record(1)])
    system.prepare()
    system.work_out(only(FRIDAY))
    system.arrive("b", [record(2), record(3, time="2026-11-21T05:00:00Z")], day=SATURDAY)
    system.prepare(only(SATURDAY))
    for _ in range(2):
        system.work_out(only(SATURDAY))
        assert system.users() == {("u1", "Fri"): (0, 2, 0), ("u1", "Sat"): (0, 1, 0)}
    # As late as is believed, and nothing else that day.
    system.arrive("c", [record(4)], day=SUNDAY)
    system.prepare(only(SUNDAY))
    system.work_out(only(SUNDAY))
    assert system.users() == {("u1", "Fri"): (0, 3, 0), ("u1", "Sat"): (0, 1, 0)}


def test_an_old_message_that_changes_does_not_take_its_days_requests_away(system: System) -> None:
    system.say(message(1, "u1", NOON), now=NOON)
    system.arrive("a", [record(1)])
    system.prepare()
    system.work_out(only(FRIDAY))
    later = NOON + timedelta(days=30)
    edited = (*message(1, "u1", NOON)[:5], "edited", NOON, later)
    system.say(edited, now=later)
    system.work_out(only(later.date()))
    assert system.users() == {("u1", "Fri"): (1, 1, 0)}
    (prepared,) = system.curated("prepared_messages")
    assert prepared["text"] == "edited"


def test_nothing_at_all_is_no_error(system: System) -> None:
    system.check(only(FRIDAY))
    system.work_out(only(FRIDAY))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  two\n\tlines\u00a0here ", "two lines here"),
        ("\ufb01ne \uff37ide \u2460", "fine Wide 1"),
        ("bell\u0007 zero\u200bwidth", "bell zero width"),
        ("write to taro+x@example.co.jp now", "write to <email> now"),
        ("連絡先はtaro@example.comです。", "連絡先は<email>です。"),
        ("taro@example.co.jpまで、または花子hanako.s@mail.example.jpへ", "<email>まで、または花子<email>へ"),
        ("https://example.com/?mail=taro@example.com", "https://example.com/?mail=<email>"),
        ("mail taro@example.com.", "mail <email>."),
        ("@taro and taro@home", "@taro and taro@home"),
        ("card 4111 1111 1111 1111, ok", "card <card>, ok"),
        ("call 090-1234-5678 or +81 90 1234 5678", "call <phone> or <phone>"),
        ("電話は090-1234-5678です", "電話は<phone>です"),
        ("電話は０９０－１２３４－５６７８です", "電話は<phone>です"),
        ("09012345678番と03-1234-5678まで", "<phone>番と<phone>まで"),
        ("090ー1234ー5678、090−1234−5678、090‐1234‐5678", "<phone>、<phone>、<phone>"),
        ("03(1234)5678か(03) 1234-5678か０３（１２３４）５６７８", "<phone>か<phone>か<phone>"),
        ("国外は+81 (0)90 1234 5678へ、無料は0120-123-456へ", "国外は<phone>へ、無料は<phone>へ"),
        ("TEL03-1234-5678 FAX:03-1234-5679", "TEL<phone> FAX:<phone>"),
        ("内線は03-1234-5678-99", "内線は<phone>-99"),
        ("03-1234-5678\n090-1234-5678 03-1234-5679", "<phone> <phone> <phone>"),
        ("09012345678 09012345679 4111 1111 1111 1111", "<phone> <phone> <card>"),
        ("4111-1111-1111-1111 5500-0000-0000-0004", "<card> <card>"),
        ("4111 1111 1111 1111 5500 0000 0000 0004", "<card> <card>"),
        ("090 - 1234 - 5678、090\u25001234\u25005678、090\u200b-1234-5678", "<phone>、<phone>、<phone>"),
        ("0081-90-1234-5678か010 81 90 1234 5678か+1 (415) 555-0100", "<phone>か<phone>か<phone>"),
        ("カードは4111-1111-1111-1111です", "カードは<card>です"),
        ("カード４１１１ １１１１ １１１１ １１１１（12/27）", "カード<card>(12/27)"),
        ("01-02-2026 3.14159265358979 2026-01-02 03:04:05", "01-02-2026 3.14159265358979 2026-01-02 03:04:05"),
        ("item0123456789 550e8400-e29b-41d4-a716-446655440000", "item0123456789 550e8400-e29b-41d4-a716-446655440000"),
        ("order 12345 of 2026-11-20 costs 1,000", "order 12345 of 2026-11-20 costs 1,000"),
        ("", ""),
        (None, None),
    ],
)
def test_text_is_cleaned(text: str | None, cleaned: str | None) -> None:
    assert activity.clean_text(text) == cleaned


EMOJI = {
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "a heart on fire": "\u2764\ufe0f\u200d\U0001f525",
    "a cook of a skin": "\U0001f9d1\U0001f3fd\u200d\U0001f373",
    "Scotland": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "Japan": "\U0001f1ef\U0001f1f5",
    "a key": "1\ufe0f\u20e3",
    "a Persian verb": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
}


@pytest.mark.parametrize("emoji", EMOJI.values(), ids=EMOJI)
def test_an_emoji_of_several_letters_stays_one(emoji: str) -> None:
    for text in (emoji, f"Hi {emoji}!", f"お茶{emoji}です", emoji * 3):
        assert activity.clean_text(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("090\u200d1234\u200c5678", "<phone>"),
        ("me\u200d@exam\u200cple.com", "<email>"),
        ("4111\u200d1111 1111\U000e0031 1111", "<card>"),
        ("\u200da\u200d \u200dお茶\u200d", "a お茶"),
    ],
)
def test_a_joiner_that_joins_no_emoji_is_no_way_past_the_masks(text: str, cleaned: str) -> None:
    assert activity.clean_text(text) == cleaned


MASKS = (activity._LONE_JOINERS, activity._EMAIL, activity._CARD, activity._PHONE)  # noqa: SLF001 each is measured
LONG_RUNS = [
    "a",
    "a@",
    "a.",
    "a@b.",
    "1",
    "1 ",
    "0",
    "0-",
    "+",
    "+1",
    "(0",
    "あ1",
    "あa",
    "090-",
    "tel0",
    "\u200d",
    "あ\u200d",
    "1\u200d",
]


@pytest.mark.parametrize("run", LONG_RUNS)
def test_the_steps_of_masking_grow_with_the_text_and_not_with_its_square(run: str) -> None:
    for pattern in MASKS:
        for beside in ("", "あ"):
            short, long = (Steps(pattern).search_all(beside + run * times + beside) for times in (200, 400))
            assert long <= 2.2 * short


@pytest.mark.parametrize("run", LONG_RUNS)
def test_a_megabyte_of_one_run_is_masked(run: str) -> None:
    activity.clean_text(run * (1_000_000 // len(run)))


def test_steps_are_counted_as_the_engine_takes_them() -> None:
    given_back = Steps(re.compile(r"[a-z]+@"))
    assert given_back.search_all("a" * 400) > 3.5 * Steps(re.compile(r"[a-z]+@")).search_all("a" * 200)
    for pattern in (*MASKS, re.compile(r"(a|ab)(c|bcd)*+(d*)")):
        for text in ("a@b.c d.e+f@g.h", "(03) 1234-5678, 4111 1111 1111 1111", "abcd abcbcdd", ""):
            steps = Steps(pattern)
            steps.search_all(text)
            assert steps.found == [match.span() for match in pattern.finditer(text)]


def test_the_gate_sees_rows_that_went_missing(system: System) -> None:
    system.arrive("a", [record(number) for number in range(5)])
    system.prepare()
    counts = system.spark.createDataFrame([(9, 9, 0, 0, "api", FRIDAY)], TABLES["log_counts"].ddl)
    lake.replace(counts, f"{system.folder}/clean", "log_counts")
    with pytest.raises(lake.JobError, match=r"logs of api on 2026-11-20: 9 lines were read, .* 5 rows were kept"):
        system.check(only(FRIDAY))


def test_the_gate_sees_too_much_garbage(system: System) -> None:
    system.arrive("a", [record(1), "garbage"])
    system.prepare()
    system.check(only(FRIDAY), most_rejected=0.5)
    with pytest.raises(lake.JobError, match="logs of api: 1 of 2 lines were set aside"):
        system.check(only(FRIDAY), most_rejected=0.49)


def test_the_gate_sees_a_message_that_is_there_twice(system: System) -> None:
    system.say(message(1, "u1", NOON), now=NOON)
    rows = lake.read(system.spark, f"{system.folder}/clean", "messages")
    rows.unionByName(rows).write.mode("append").partitionBy("day").parquet(f"{system.folder}/clean/messages")
    with pytest.raises(lake.JobError, match="messages of 2026-11-20: 1 ids are there more than once"):
        system.check(only(FRIDAY))


def test_the_gate_sees_messages_that_have_no_place(system: System) -> None:
    columns = COLUMNS.replace("id bigint", "id string", 1)
    system.say(("x", *message(1, "u1", NOON)[1:]), now=NOON, columns=columns)
    with pytest.raises(lake.JobError, match="1 rows have no id, or no moment"):
        system.check(only(FRIDAY))
