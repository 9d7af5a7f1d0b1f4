"""Activity: clean messages and logs become what analysts ask for, in the curated zone.

    activity.py --clean s3://clean --curated s3://curated [--from-day 2026-11-20 --to-day 2026-11-21]

Leaves, by the day on which things happened,

- `prepared_messages/day=…`: the text of each message, cleaned (one form of Unicode, no control characters, single
  spaces, addresses and numbers of people masked) with its length, ready for search and embeddings;
- `sessions/day=…`: for each session its first and last moment, its messages and requests;
- `users/day=…`: for each user the day's messages, conversations, requests, failures and the 95th percentile of the time
  that they took.

Each day that the window's arrivals touch, late ones too, is worked out anew from the whole of that day.
"""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from jobs import history, lake, logs

# Between digits people type many dashes, in Japanese also the mark of a long vowel; NFKC has made the wide ones narrow.
_DASHES = r"\-\u2010-\u2015\u2212\u2500\u2501\u30fc"
_DASH = rf"[ {_DASHES}]"
_GAP = rf"{_DASH}{{0,3}}"
# A number begins behind neither a word nor a part of itself; behind a space it may be the next: a line's end is one.
_BEGIN = rf"(?<![A-Za-z0-9_])(?<![0-9][{_DASHES}.])"
_LABEL = r"(?:(?<=TEL)|(?<=Tel)|(?<=tel)|(?<=FAX)|(?<=Fax)|(?<=fax))"
_END = r"(?![A-Za-z0-9_])"
# ASCII throughout: for Python each Japanese letter is a word character, and no space parts it from a number. Nothing is
# tried from the middle of a run, and no run is given back: the time grows with the text, not with its square.
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++")
# No card's number begins with 0, as those of telephones do.
_CARD = re.compile(rf"{_BEGIN}[1-9](?:{_DASH}?[0-9]){{12,18}}{_END}(?![{_DASHES}][0-9])")
_PHONE = re.compile(
    rf"(?:{_BEGIN}|{_LABEL})(?:(?:\+|00|010{_DASH}?)[0-9]{{1,3}}{_GAP}(?:\(0\){_DASH}?)?\(?|\(?0)"
    rf"[0-9]{{1,4}}\)?{_GAP}\(?[0-9]{{1,4}}\)?{_GAP}[0-9]{{3,4}}{_END}"
)
# One emoji may be several with joiners between them, a flag letters of its own; Persian words are joined so too. Beside
# ASCII they are nothing but a way past the masks.
_JOINERS = "\u200c\u200d"
_TAGS = "\U000e0020-\U000e007f"
_FOREIGN = r"[\u0080-\U0010ffff]"
_LONE_JOINERS = re.compile(
    rf"(?<!{_FOREIGN})[{_JOINERS}{_TAGS}]++|(?<![{_JOINERS}])[{_JOINERS}]++(?!{_FOREIGN})",
)
_KEPT = re.compile(rf"[{_JOINERS}{_TAGS}]")
_FEWEST_PHONE_DIGITS = 9
"""A date has eight."""


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="activity.py", description="Work out the curated zone.")
    parser.add_argument("--clean", type=lake.zone, required=True)
    parser.add_argument("--curated", type=lake.zone, required=True)
    lake.add_window(parser)
    told = lake.arguments(parser, words)
    work_out(lake.start("activity"), told.clean, told.curated, lake.Window(first=told.from_day, last=told.to_day))


def work_out(spark: SparkSession, clean: str, curated: str, window: lake.Window) -> None:
    """Replace in `curated` every day that the arrivals of `window` touch."""
    messages = lake.read(spark, clean, "messages")
    requests = _requests(spark, clean)
    days = F.broadcast(_touched_days(spark, clean, requests, window).persist())
    messages = messages.join(days, "day", "left_semi")
    requests = _of_days(requests, days)
    lake.replace(_prepared(messages), curated, "prepared_messages")
    lake.replace(_sessions(messages, requests), curated, "sessions")
    lake.replace(_users(messages, requests), curated, "users")


def clean_text(text: str | None) -> str | None:
    """`text` in one form of Unicode (NFKC), without control characters, with single spaces, with people's data masked.

    >>> clean_text("\\ufb01ne\\u0000  print,\\n mail me@example.com")
    'fine print, mail <email>'
    """
    if text is None:
        return None
    text = _LONE_JOINERS.sub("", unicodedata.normalize("NFKC", text))
    text = "".join(" " if _parts(letter) else letter for letter in text)
    text = " ".join(text.split())
    text = _EMAIL.sub("<email>", text)
    text = _CARD.sub("<card>", text)
    return _PHONE.sub(_masked_phone, text)


def _parts(letter: str) -> bool:
    """Whether a letter is none: a space or a control character."""
    return unicodedata.category(letter)[0] in "CZ" and not _KEPT.match(letter)


def _masked_phone(found: re.Match[str]) -> str:
    return "<phone>" if sum(letter.isdigit() for letter in found[0]) >= _FEWEST_PHONE_DIGITS else found[0]


def _requests(spark: SparkSession, clean: str) -> DataFrame:
    """The log records of requests, by the day on which they happened and the folder's, on which they arrived."""
    rows = lake.read(spark, clean, "app_logs").where("method IS NOT NULL")
    return rows.withColumnRenamed("day", "arrival_day").withColumn("day", F.to_date("time"))


def _of_days(requests: DataFrame, days: DataFrame) -> DataFrame:
    """The requests that happened on `days`, out of the few folders in which they can have arrived."""
    around = F.sequence(F.date_sub("day", 1), F.date_add("day", logs.LATENESS_DAYS))
    folders = days.select(F.explode(around).alias("arrival_day")).distinct()
    found = requests.join(F.broadcast(folders), "arrival_day", "left_semi").join(days, "day", "left_semi")
    return found.drop("arrival_day")


def _touched_days(spark: SparkSession, clean: str, requests: DataFrame, window: lake.Window) -> DataFrame:
    arrived = requests.where(F.col("arrival_day").between(F.lit(window.first), F.lit(window.last))).select("day")
    changed = history.changed_days(spark, clean)
    changed = changed.where(F.col("run_day") >= F.lit(window.first)).select("day")
    return arrived.unionByName(changed).distinct()


def _prepared(messages: DataFrame) -> DataFrame:
    rows = messages.withColumn("text", F.udf(clean_text, "string")("content"))
    return rows.withColumn("characters", F.length("text"))


def _sessions(messages: DataFrame, requests: DataFrame) -> DataFrame:
    said = messages.selectExpr("day", "session_id", "user_id", "created_at AS at", "1 AS message", "0 AS request")
    asked = requests.selectExpr("day", "session_id", "user_id", "time AS at", "0 AS message", "1 AS request")
    return (
        said.unionByName(asked)
        .where("session_id IS NOT NULL")
        .groupBy("day", "session_id")
        .agg(
            F.max("user_id").alias("user_id"),
            F.min("at").alias("began"),
            F.max("at").alias("ended"),
            F.sum("message").alias("messages"),
            F.sum("request").alias("requests"),
        )
        .withColumn("seconds", F.col("ended").cast("double") - F.col("began").cast("double"))
    )


def _users(messages: DataFrame, requests: DataFrame) -> DataFrame:
    said = (
        messages.where("user_id IS NOT NULL")
        .groupBy("day", "user_id")
        .agg(F.count("*").alias("messages"), F.countDistinct("conversation_id").alias("conversations"))
    )
    asked = (
        requests.where("user_id IS NOT NULL")
        .groupBy("day", "user_id")
        .agg(
            F.count("*").alias("requests"),
            F.count(F.when(F.col("status") >= 500, 1)).alias("failures"),
            F.percentile_approx("duration_ms", 0.95, 10_000).alias("p95_ms"),
        )
    )
    both = said.join(asked, ["day", "user_id"], "full").na.fill(
        0, ["messages", "conversations", "requests", "failures"]
    )
    return both.select("user_id", "messages", "conversations", "requests", "failures", "p95_ms", "day")


if __name__ == "__main__":
    main(sys.argv[1:])
