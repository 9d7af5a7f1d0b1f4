"""The log router's files: what becomes of a record, and where it goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.workloads.fluent_bit import Router, read

FILES = ROOT / "workloads" / "log-router"
ENVIRONMENT = {
    "SERVICE": "api",
    "AWS_REGION": "ap-northeast-1",
    "LOG_BUCKET": "archive",
    "ERROR_LOG_GROUP": "/ecs/wiki-dev-api/errors",
}


@pytest.fixture
def router() -> Router:
    return Router(FILES, ENVIRONMENT)


def one(router: Router, *lines: Any) -> tuple[dict[str, Any], bool]:
    """The only record that these lines become, and whether it also goes to CloudWatch."""
    routed = router.route(*lines)
    assert len(routed["s3"]) == 1, routed["s3"]
    assert len(routed["cloudwatch_logs"]) <= 1
    return routed["s3"][0], bool(routed["cloudwatch_logs"])


@pytest.mark.covers("A7")
@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('{"level": "INFO", "message": "m"}', "INFO"),
        ('{"level": "info", "msg": "m"}', "INFO"),
        ('{"levelname": "ERROR", "message": "m"}', "ERROR"),
        ('{"severity": "Error", "message": "m"}', "ERROR"),
        ('{"level": "err", "message": "m"}', "ERROR"),
        ('{"log_level": "warning", "event": "m"}', "WARNING"),
        ('{"log.level": "warn", "message": "m"}', "WARNING"),
        ('{"level": " fatal ", "message": "m"}', "CRITICAL"),
        ('{"Level": "Critical", "message": "m"}', "CRITICAL"),
        ('{"lvl": "trace", "message": "m"}', "DEBUG"),
        ('{"level": 10, "message": "m"}', "DEBUG"),
        ('{"level": 20, "message": "m"}', "INFO"),
        ('{"level": 40, "message": "m"}', "ERROR"),
        ('{"level": 60, "message": "m"}', "CRITICAL"),
        ('{"level": "banana", "message": "m"}', "INFO"),
        ('{"level": {"name": "error"}, "message": "m"}', "INFO"),
        ('{"message": "no error at all"}', "INFO"),
        ('{"message": "ERROR: cannot connect"}', "ERROR"),
        ("ERROR:    cannot connect", "ERROR"),
        ("2026-04-05 06:07:08,123 ERROR app.items cannot connect", "ERROR"),
        ("2026-04-05 06:07:08 [CRITICAL] disk full", "CRITICAL"),
        ("WARNING: slow", "WARNING"),
        ("INFO:     Application startup complete.", "INFO"),
        ("DEBUG sql", "DEBUG"),
        ('time=now level=error msg="x"', "ERROR"),
        ("the word error in a sentence is none", "INFO"),
        ("0 ERRORS found", "INFO"),
        ('{"level": "error", "message": "cut of', "INFO"),
        ("[1, 2]", "INFO"),
        ("42", "INFO"),
        ("\x00\x1b[31m�", "INFO"),
        ("", "INFO"),
    ],
)
def test_every_record_has_a_level_goes_to_s3_and_errors_also_to_cloudwatch(
    router: Router, line: str, level: str
) -> None:
    record, to_cloudwatch = one(router, line)
    assert record["level"] == level
    assert to_cloudwatch == (level in ("ERROR", "CRITICAL"))
    assert record["service"] == "api"
    assert record["time"] == "2026-04-05T06:07:08.000000Z"
    assert not {"level_found", "level_number", "log"} & set(record)


@pytest.mark.covers("A7")
def test_a_request_keeps_its_fields_and_their_kinds_and_its_own_time(router: Router) -> None:
    request = {
        "time": "2026-01-02T12:04:05.678901+09:00", "level": "INFO", "message": "GET /items 200", "request_id": "r-1",
        "method": "GET", "path": "/items", "status": 200, "duration_ms": 12.5, "user_id": "u-1",
    }  # fmt: skip
    record, to_cloudwatch = one(router, json.dumps(request))
    expected = {**request, "time": "2026-01-02T03:04:05.678901Z", "service": "api", "container_name": "app"}
    assert record == expected
    assert not to_cloudwatch


def test_a_time_that_cannot_be_read_is_kept_beside_the_records_own(router: Router) -> None:
    record, _ = one(router, '{"time": "yesterday", "level": "info", "message": "m"}')
    assert record["time_given"] == "yesterday"
    assert record["time"] == "2026-04-05T06:07:08.000000Z"


def test_a_level_that_nobody_knows_is_kept(router: Router) -> None:
    record, _ = one(router, '{"level": "banana", "message": "m"}')
    assert record["level_given"] == "banana"


PYTHON = """\
ERROR:    Exception in ASGI application
Traceback (most recent call last):
  File "/srv/app.py", line 7, in read
    return items[key]
KeyError: 'x'"""
CHAINED = """\
Traceback (most recent call last):
  File "/srv/app.py", line 7, in read
psycopg.OperationalError: connection refused
During handling of the above exception, another exception occurred:
Traceback (most recent call last):
  File "/srv/app.py", line 9, in read
RuntimeError: no database"""
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: broken
    at shop.Order.pay(Order.java:12)
    at shop.Main.main(Main.java:5)
Caused by: java.io.IOException: gone
    ... 2 more"""


@pytest.mark.covers("A7")
@pytest.mark.parametrize(
    "trace", [PYTHON, CHAINED, JAVA, "INFO: handled\n" + CHAINED], ids=["py", "chain", "java", "after"]
)
def test_a_stack_trace_is_one_record_and_an_error(router: Router, trace: str) -> None:
    record, to_cloudwatch = one(router, *trace.split("\n"))
    assert record["message"] == trace
    assert record["level"] == "ERROR"
    assert to_cloudwatch


def test_what_stands_around_a_stack_trace_is_not_drawn_into_it(router: Router) -> None:
    before, after = '{"level": "info", "message": "before"}', '{"level": "info", "message": "after"}'
    routed = router.route(before, *PYTHON.split("\n"), after, "next line", "another line")
    messages = [record["message"] for record in routed["s3"]]
    assert messages == ["before", PYTHON, "after", "next line", "another line"]
    assert [record["message"] for record in routed["cloudwatch_logs"]] == [PYTHON]


def test_a_stack_trace_inside_json_stays_there(router: Router) -> None:
    record, to_cloudwatch = one(router, json.dumps({"level": "error", "message": "failed", "exception": PYTHON}))
    assert (record["message"], record["exception"], to_cloudwatch) == ("failed", PYTHON, True)


def test_a_line_that_the_runtime_cut_is_put_together(router: Router) -> None:
    whole = json.dumps({"level": "error", "message": "x" * 100})
    parts = [whole[:40], whole[40:80], whole[80:]]
    records = [
        {"log": part, "partial_message": "true", "partial_id": "p1", "partial_last": str(part is parts[-1]).lower()}
        for part in parts
    ]
    record, to_cloudwatch = one(router, *records)
    assert record["message"] == "x" * 100
    assert to_cloudwatch


def test_everything_that_is_read_is_written_once(router: Router) -> None:
    lines = [json.dumps({"level": level, "message": str(n)}) for n, level in enumerate(["info", "error", "fatal"] * 5)]
    routed = router.route(*lines)
    assert sorted(int(record["message"]) for record in routed["s3"]) == list(range(15))
    assert len(routed["cloudwatch_logs"]) == 10


@pytest.mark.covers("A7")
def test_s3_gets_compressed_objects_by_service_and_hour_and_loses_a_minute_at_most(router: Router) -> None:
    s3 = router.outputs["s3"]
    key = "/app-logs/service=api/year=%Y/month=%m/day=%d/hour=%H/%M%S-$UUID.json.gz"
    assert (s3.get("bucket"), s3.get("s3_key_format")) == ("archive", key)
    # Fluent Bit compresses with gzip only what it puts as one object.
    assert (s3.get("compression"), s3.get("use_put_object")) == ("gzip", "On")
    assert s3.get("upload_timeout") == "1m"
    assert s3.get("store_dir_limit_size") == "256M"
    logs = router.outputs["cloudwatch_logs"]
    assert (logs.get("log_group_name"), logs.get("auto_create_group")) == ("/ecs/wiki-dev-api/errors", "Off")
    assert set(router.outputs) == {"s3", "cloudwatch_logs"}


def test_what_waits_in_memory_fits_into_the_sidecar() -> None:
    limits = [
        int(value.removesuffix("M"))
        for section in read(FILES / "router.conf")
        for key, value in section.pairs
        if key == "emitter_mem_buf_limit"
    ]
    emitters = [
        section for section in read(FILES / "router.conf") if section.get("name") in ("multiline", "rewrite_tag")
    ]
    assert len(limits) == len(emitters) == 3
    assert sum(limits) <= 64, "half of the sidecar's 128 MiB"


def test_the_last_records_leave_before_the_container_is_killed() -> None:
    (service,) = [section for section in read(FILES / "router.conf") if section.kind == "SERVICE"]
    assert int(service.get("grace")) < 120
