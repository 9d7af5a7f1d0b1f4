"""The log router's files: what becomes of a record, where it goes, and what is lost when something fails."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.compute.log_router import LogRouterArgs
from tests.conftest import PATIENCE, ROOT
from tests.workloads.embedded_metrics import Counted, extracted
from tests.workloads.fluent_bit import (
    ERROR_GROUP,
    EXECUTABLE,
    METADATA,
    METRICS_GROUP,
    Account,
    Answers,
    Model,
    Program,
    Record,
    printed,
    read,
    wait_for,
)

FILES = ROOT / "workloads" / "log-router"
Line = str | Record

needs_program = pytest.mark.skipif(EXECUTABLE is None, reason="no fluent-bit on this machine: only its model is tried")

# --- What becomes of a line -------------------------------------------------------------------------------------------

LEVELS = [
    ('{"level": "INFO", "message": "m"}', "INFO"),
    ('{"level": "info", "msg": "m"}', "INFO"),
    ('{"levelname": "ERROR", "message": "m"}', "ERROR"),
    ('{"severity": "Error", "message": "m"}', "ERROR"),
    ('{"Severity": "ERROR", "message": "m"}', "ERROR"),
    ('{"level": "err", "message": "m"}', "ERROR"),
    ('{"log_level": "warning", "event": "m"}', "WARNING"),
    ('{"log.level": "warn", "message": "m"}', "WARNING"),
    ('{"@level": "error", "message": "m"}', "ERROR"),
    ('{"logLevel": "error", "message": "m"}', "ERROR"),
    ('{"level": " fatal ", "message": "m"}', "CRITICAL"),
    ('{"Level": "Critical", "message": "m"}', "CRITICAL"),
    ('{"lvl": "trace", "message": "m"}', "DEBUG"),
    ('{"level": 10, "message": "m"}', "DEBUG"),
    ('{"level": 20, "message": "m"}', "INFO"),
    ('{"level": 40, "message": "m"}', "ERROR"),
    ('{"level": 60, "message": "m"}', "CRITICAL"),
    ('{"level": "50", "message": "m"}', "CRITICAL"),
    ('{"level": 200, "level_name": "INFO", "message": "Monolog"}', "INFO"),
    ('{"level": 400, "level_name": "ERROR", "message": "Monolog"}', "ERROR"),
    ('{"level": "banana", "message": "m"}', "INFO"),
    ('{"level": {"name": "error"}, "message": "m"}', "INFO"),
    ('{"level": true, "message": "m"}', "INFO"),
    ('{"level": null, "message": "m"}', "INFO"),
    ('{"level": "INFO", "message": "no ERROR here"}', "INFO"),
    ('{"message": "no error at all"}', "INFO"),
    ('{"message": "ERROR: cannot connect"}', "ERROR"),
    ("ERROR:    cannot connect", "ERROR"),
    ("2026-04-05 06:07:08,123 ERROR app.items cannot connect", "ERROR"),
    ("2026-04-05 06:07:08 [CRITICAL] disk full", "CRITICAL"),
    ("2026-04-05 06:07:08.123  INFO 1 --- [main] c.e.Application : ERROR is a word here", "INFO"),
    ("INFO no ERROR here", "INFO"),
    ("WARNING: slow", "WARNING"),
    ("INFO:     Application startup complete.", "INFO"),
    ("DEBUG sql", "DEBUG"),
    ("2026/04/05 06:07:08 [error] 7#7: *1 connect() failed", "ERROR"),
    ("2026/04/05 06:07:08 [warn] 7#7: a body is buffered", "WARNING"),
    ("[Sun Apr 05 06:07:08.123456 2026] [core:error] [pid 7] no such file", "ERROR"),
    ("Error: cannot find module 'x'", "ERROR"),
    ("TypeError: x is not a function", "ERROR"),
    ("java.lang.IllegalStateException: broken", "ERROR"),
    ("fatal error: all goroutines are asleep - deadlock!", "CRITICAL"),
    ("PHP Fatal error:  Uncaught Exception: x in /srv/a.php:3", "CRITICAL"),
    ("psql: error: connection to server failed", "ERROR"),
    ("main.c:3:5: error: x undeclared", "ERROR"),
    ("[2026-04-05T06:07:08.123456+00:00] app.ERROR: cannot connect []", "ERROR"),
    ("[2026-04-05 06:07:08] production.CRITICAL: disk full", "CRITICAL"),
    ("E0405 06:07:08.123456       1 main.go:7] cannot connect", "ERROR"),
    ("I0405 06:07:08.123456       1 main.go:7] connected", "INFO"),
    ("\x1b[31mERROR\x1b[0m cannot connect", "ERROR"),
    ("[06:07:08.123] \x1b[31mERROR\x1b[39m (7): cannot connect", "ERROR"),
    ("2026-04-05T06:07:08Z\t\x1b[34mINFO\x1b[0m\tmain.go:7\tno ERROR here", "INFO"),
    ("2026-04-05 06:07:08.123 UTC [7] LOG:  checkpoint complete", "INFO"),
    ("2026-04-05 06:07:08.123 UTC [7] FATAL:  password authentication failed", "CRITICAL"),
    ('time=now level=error msg="x"', "ERROR"),
    ("GET /search?level=error HTTP/1.1", "INFO"),
    ("the word error in a sentence is none", "INFO"),
    ("0 ERRORS found", "INFO"),
    ("ERROR_PAGE=500", "INFO"),
    ('{"level": "error", "message": "cut of', "ERROR"),
    ('{"message": "m", "ratio": NaN, "level": "error"}', "ERROR"),
    ('{"ratio": 1e999, "severity":"Critical"}', "CRITICAL"),
    ('{"level": 50, "message": "cut of', "CRITICAL"),
    ('{"level": "info", "message": "cut of a \\"level\\": \\"error\\"', "INFO"),
    ("【ERROR】接続できません", "ERROR"),
    ("［ERROR］接続できません", "ERROR"),  # noqa: RUF001 wide brackets, as they are typed in Japan
    ("ERROR接続できません", "ERROR"),
    ("2026年4月5日 6時7分8秒 WARN 遅い", "WARNING"),
    ("crit: Microsoft.AspNetCore.Hosting[6]", "CRITICAL"),
    ("fail: Microsoft.AspNetCore.Server.Kestrel[13]", "ERROR"),
    ("ERRO[0000] cannot connect", "ERROR"),
    ("Uncaught Exception: broken", "ERROR"),
    ('{"level_found": "ERROR", "level_number": 50, "level_of_text": "error", "message": "m"}', "INFO"),
    ("[1, 2]", "INFO"),
    ("42", "INFO"),
    ("\x00\x1b[31m�", "INFO"),
    ("", "INFO"),
]  # fmt: skip

TIMES = [
    ("2026-01-02T12:04:05.678901+09:00", "2026-01-02T03:04:05.678901Z"),
    ("2026-01-02T12:04:05.678+0900", "2026-01-02T03:04:05.678000Z"),
    ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678000Z"),
    ("2026-01-02T03:04:05.678901234Z", "2026-01-02T03:04:05.678901Z"),
    ("2026-01-02T12:04:05+09:00", "2026-01-02T03:04:05.000000Z"),
    ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z"),
]
NO_TIMES = [
    "yesterday", "2026-01-02T03:04:05.678901", "2026-01-02T03:04:05", "2026-01-02 03:04:05.678", "2026-13-02T03:04:05Z",
    "02/Jan/2026:03:04:05 +0000", 1767323045, 1767323045.678, None,
    # Of these three the program would throw the record away, the last is a day and a half off.
    "0000-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59Z", "2026-01-02T03:04:05+36:00",
]  # fmt: skip

REQUEST = {
    "time": "2026-01-02T12:04:05.678901+09:00", "level": "INFO", "message": "GET /items 200", "request_id": "r-1",
    "method": "GET", "path": "/items", "status": 200, "duration_ms": 12.5, "user_id": "u-1",
}  # fmt: skip
OWN_FIELDS = {"message": "m", "source": "billing", "container_name": "box", "container_id": "7", "ecs_cluster": "mine"}

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
shop.orders.NotPaid: 7"""
CAUSED = CHAINED.replace("During handling of the above exception, another exception occurred",
                         "The above exception was the direct cause of the following exception")  # fmt: skip
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: broken
\tat shop.Order.pay(Order.java:12)
\tat shop.Main.main(Main.java:5)
Caused by: java.io.IOException: gone
\t... 2 more"""
NODE = """\
/srv/index.js:3
    throw new Error('broken')
    ^

Error: broken
    at Object.<anonymous> (/srv/index.js:3:9)
    at async Promise.all (index 0) {
  code: 'EBROKEN'
}

Node.js v22.3.0"""
GO = """\
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.read(...)
\t/srv/main.go:12
main.main()
\t/srv/main.go:8 +0x1d
exit status 2"""
GO_HTTP = """\
2026/04/05 06:07:08 http: panic serving 127.0.0.1:5000: boom
goroutine 7 [running]:
net/http.(*conn).serve.func1()
\t/usr/local/go/src/net/http/server.go:1947 +0xbe
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3285 +0x4b4"""
DOTNET = """\
Unhandled exception. System.InvalidOperationException: broken
   at Shop.Order.Pay() in /srv/Order.cs:line 12
   at Shop.Program.Main()"""
RUST = """\
thread 'main' (1234) panicked at src/main.rs:2:5:
the list is empty
stack backtrace:
   0: rust_begin_unwind
note: some details are omitted"""
RUST_OF_BEFORE = RUST.replace(" (1234)", "")
# An exception of `__main__` is called by its name alone, which may be any.
MAIN = """\
Traceback (most recent call last):
  File "/srv/注文.py", line 7, in 払う
    raise 在庫切れ(item)
          ^^^^^^^^
在庫切れ: 足りません"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/srv/app.py", line 7, in read
  | ExceptionGroup: two failed (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | KeyError: 'x'
    +------------------------------------"""
PHP = """\
PHP Fatal error:  Uncaught Exception: broken in /srv/a.php:3
Stack trace:
#0 /srv/a.php(12): pay()
#1 {main}
  thrown in /srv/a.php on line 3"""
RUBY = """\
app.rb:3:in `pay': broken (RuntimeError)
\tfrom app.rb:7:in `<main>'"""
REJECTION = """\
node:internal/process/promises:288
            triggerUncaughtException(err, true /* fromPromise */);
            ^

[UnhandledPromiseRejection: an async function threw without a catch block] {
  code: 'ERR_UNHANDLED_REJECTION'
}

Node.js v22.3.0"""
TRACES = {
    "py": PYTHON, "chain": CHAINED, "cause": CAUSED, "after": "INFO: handled\n" + CHAINED, "java": JAVA, "node": NODE,
    "go": GO, "http": GO_HTTP, "net": DOTNET, "rust": RUST, "rust before 1.91": RUST_OF_BEFORE, "main": MAIN,
    "group": GROUP, "php": PHP, "ruby": RUBY, "rejection": REJECTION,
}  # fmt: skip

BETWEEN: list[Line] = [
    '{"level": "info", "message": "before"}', *PYTHON.split("\n"), '{"level": "info", "message": "after"}',
    "next line", "another line", "", "the end",
]  # fmt: skip
MIXED: list[Line] = [
    json.dumps({"level": level, "message": str(n)}) for n, level in enumerate(["info", "error", "fatal"] * 5)
]
WHOLE = json.dumps({"level": "error", "message": "x" * 100})
CUT: list[Line] = [
    {"log": WHOLE[at : at + 60], "partial_message": "true", "partial_id": "p1", "partial_last": str(at == 120).lower()}
    for at in (0, 60, 120)
]
INSIDE = json.dumps({"level": "error", "message": "failed", "exception": PYTHON})
LONG = json.dumps({"level": "error", "message": "ä\n" * 500_000, "exception": "x" * 1_000_000, "request_id": "r-9"})
LONG_FIELDS = [
    {"message": "😀" * 90_000},
    *({"message": "m", name: "é" * 400_000} for name in ("exception", "stack", "stack_trace", "error")),
]
LONG_ERRORS = [json.dumps({"level": "error", **fields}, ensure_ascii=False) for fields in LONG_FIELDS]
WRONG_CLOCKS = [
    # Local time in Japan that calls itself UTC, and a clock that was never set.
    json.dumps(
        {"level": "error", "message": "m", "time": f"{datetime.now(UTC) + timedelta(hours=9):%Y-%m-%dT%H:%M:%SZ}"}
    ),
    json.dumps({"level": "error", "message": "m", "time": "2000-01-01T00:00:00Z"}),
]
OWN_TIMES = '{"time": "yesterday", "time_given": "today", "message": "m"}'
DEPTHS = (31, 32, 40, 50, 61, 62, 63, 64, 65, 1_000, 100_000)
NESTED = [
    f'{{"level": "error", "message": "m", "tree": {opened * depth}1{closed * depth}}}'
    for depth in DEPTHS
    for opened, closed in (('{"a":', "}"), ("[", "]"))
]
METRIC = {
    "_aws": {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": "wiki-dev", "Dimensions": [["Service", "level"]],
                # Names that the router gives to other fields.
                "Metrics": [{"Name": "JobTime", "Unit": "Seconds"}, {"Name": "event", "Unit": "Count"}],
            }
        ],
    },
    "Service": "worker", "level": "gold", "JobTime": 12.345, "event": 1, "what": "注文",
}  # fmt: skip
METRICS = [
    json.dumps(METRIC),
    json.dumps(METRIC, ensure_ascii=False),
    "  " + json.dumps(METRIC, separators=(",", ":")),
    # `_aws` last, as libraries write it that add it to a record.
    json.dumps(dict(reversed(METRIC.items()))),
    json.dumps({**METRIC, "note": "x" * 20_000}),
]
FAILED_METRIC = json.dumps({**METRIC, "level": "ERROR", "message": "failed"})
CUT_METRIC: list[Line] = [
    {"log": METRICS[4][at : at + 16_384], "partial_message": "true", "partial_id": "p2", "partial_last": last}
    for at, last in ((0, "false"), (16_384, "true"))
]
NO_METRICS = [
    json.dumps({"message": METRICS[0], "level": "info"}),
    json.dumps({"message": "_aws", "level": "info"}),
    json.dumps({"_awsome": 1, "level": "info"}),
]
TWICE = '{"Level": "banana", "level": "error", "message": "m"}'


def timed(value: object) -> str:
    return json.dumps({"time": value, "level": "info", "message": "m"})


CASES: list[list[Line]] = [
    *([line] for line, _ in LEVELS),
    *([timed(given)] for given, _ in TIMES),
    *([timed(given)] for given in NO_TIMES),
    *(list[Line](trace.split("\n")) for trace in TRACES.values()),
    *([line] for line in (*LONG_ERRORS, *WRONG_CLOCKS, *NESTED)),
    *([line] for line in (*METRICS, *NO_METRICS, FAILED_METRIC)),
    CUT_METRIC, [METRICS[0], *PYTHON.split("\n"), METRICS[3]],
    [json.dumps(REQUEST)], [json.dumps(OWN_FIELDS)], [INSIDE], [LONG], [TWICE], [OWN_TIMES], BETWEEN, MIXED, CUT,
]  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    account = Account()
    try:
        return Answers(FILES, tmp_path_factory.mktemp("router"), account, CASES)
    finally:
        account.close()


@pytest.fixture(params=["model", pytest.param("program", marks=needs_program)])
def router(request: pytest.FixtureRequest) -> Model | Answers:
    return Model(FILES) if request.param == "model" else request.getfixturevalue("answers")


def one(router: Model | Answers, *lines: Line) -> tuple[Record, bool]:
    """The only record that these lines become, and whether it also goes to CloudWatch."""
    routed = router.route(*lines)
    assert len(routed["s3"]) == 1, routed["s3"]
    assert len(routed["cloudwatch_logs"]) <= 1
    return routed["s3"][0], bool(routed["cloudwatch_logs"])


def arrival(router: Model | Answers) -> str:
    return router.now.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


@pytest.mark.covers("A7")
@pytest.mark.parametrize(("line", "level"), LEVELS)
def test_every_record_has_a_level_goes_to_s3_and_errors_also_to_cloudwatch(
    router: Model | Answers, line: str, level: str
) -> None:
    record, to_cloudwatch = one(router, line)
    assert record["level"] == level
    assert to_cloudwatch == (level in ("ERROR", "CRITICAL"))
    assert record["service"] == "api"
    assert record["time"] == arrival(router)
    assert not {"level_found", "level_number", "level_digits", "level_in_text", "level_of_text", "log"} & set(record)


@pytest.mark.covers("A7")
def test_a_request_keeps_its_fields_and_their_kinds_and_its_own_time(router: Model | Answers) -> None:
    record, to_cloudwatch = one(router, json.dumps(REQUEST))
    firelens = record.pop("firelens")
    assert record == {**REQUEST, "time": "2026-01-02T03:04:05.678901Z", "service": "api"}
    assert not to_cloudwatch
    assert {**METADATA, "source": "stdout", "container_name": "/app"}.items() <= firelens.items()


def test_the_applications_own_fields_are_not_overwritten_by_those_of_firelens(router: Model | Answers) -> None:
    record, _ = one(router, json.dumps(OWN_FIELDS))
    assert OWN_FIELDS.items() <= record.items()


@pytest.mark.parametrize(("given", "time"), TIMES)
def test_a_time_with_its_zone_becomes_the_records(router: Model | Answers, given: str, time: str) -> None:
    record, _ = one(router, timed(given))
    assert record["time"] == time
    assert "time_given" not in record


@pytest.mark.parametrize("given", NO_TIMES)
def test_any_other_time_is_kept_beside_that_of_the_arrival(router: Model | Answers, given: object) -> None:
    record, _ = one(router, timed(given))
    assert record["time_given"] == given
    assert record["time"] == arrival(router)


def test_a_level_that_nobody_knows_is_kept(router: Model | Answers) -> None:
    record, _ = one(router, '{"level": "banana", "message": "m"}')
    assert record["level_given"] == "banana"


def test_two_spellings_of_a_field_hide_none(router: Model | Answers) -> None:
    record, to_cloudwatch = one(router, TWICE)
    assert (record["level"], to_cloudwatch) == ("ERROR", True)


@pytest.mark.covers("A7")
@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_a_stack_trace_is_one_record_and_an_error(router: Model | Answers, trace: str) -> None:
    record, to_cloudwatch = one(router, *trace.split("\n"))
    # The program joins an empty line as one line end or two.
    assert [line for line in record["message"].split("\n") if line] == [line for line in trace.split("\n") if line]
    assert record["level"] in ("ERROR", "CRITICAL")
    assert to_cloudwatch


def test_what_stands_around_a_stack_trace_is_not_drawn_into_it(router: Model | Answers) -> None:
    routed = router.route(*BETWEEN)
    messages = [record["message"] for record in routed["s3"]]
    assert messages == ["before", PYTHON, "after", "next line", "another line", "", "the end"]
    assert [record["message"] for record in routed["cloudwatch_logs"]] == [PYTHON]


def test_a_stack_trace_inside_json_stays_there(router: Model | Answers) -> None:
    record, to_cloudwatch = one(router, INSIDE)
    assert (record["message"], record["exception"], to_cloudwatch) == ("failed", PYTHON, True)


def test_a_line_that_the_runtime_cut_is_put_together(router: Model | Answers) -> None:
    record, to_cloudwatch = one(router, *CUT)
    assert record["message"] == "x" * 100
    assert to_cloudwatch


def test_everything_that_is_read_is_written_once(router: Model | Answers) -> None:
    routed = router.route(*MIXED)
    assert sorted(int(record["message"]) for record in routed["s3"]) == list(range(15))
    assert len(routed["cloudwatch_logs"]) == 10


def test_an_error_of_megabytes_is_whole_in_s3_and_rings_in_cloudwatch(router: Model | Answers) -> None:
    routed = router.route(LONG)
    (record,), (event,) = routed["s3"], routed["cloudwatch_logs"]
    assert record["message"] == "ä\n" * 500_000
    assert len(record["exception"]) == 1_000_000
    # Still JSON, which the alarm's filter reads: it was not cut at CloudWatch's limit.
    assert (event["level"], event["request_id"]) == ("ERROR", "r-9")
    assert record["message"].startswith(event["message"])
    assert len(json.dumps(event)) <= 1_000_000


@pytest.mark.parametrize("line", LONG_ERRORS, ids=[list(fields)[-1] for fields in LONG_FIELDS])
def test_no_long_field_keeps_an_error_from_cloudwatch(router: Model | Answers, line: str) -> None:
    # The program escapes what is not ASCII, and throws away what is longer than CloudWatch takes.
    (event,) = router.route(line)["cloudwatch_logs"]
    assert len(json.dumps(event)) <= 1_000_000
    (record,) = router.route(line)["s3"]
    assert record == {**record, **json.loads(line), "level": "ERROR"}


@pytest.mark.parametrize("line", WRONG_CLOCKS, ids=["nine hours ahead", "long ago"])
def test_an_error_rings_whatever_the_clock_of_the_application_says(router: Model | Answers, line: str) -> None:
    # CloudWatch refuses what is of more than two hours ahead or of two weeks ago.
    record, to_cloudwatch = one(router, line)
    assert to_cloudwatch
    assert record["time"] == json.loads(line)["time"].replace("Z", ".000000Z")


def test_a_record_has_one_time(router: Model | Answers) -> None:
    record, _ = one(router, OWN_TIMES)
    assert (record["time"], record["time_given"]) == (arrival(router), "yesterday")


@pytest.mark.parametrize("line", NESTED, ids=[f"{depth} {kind}" for depth in DEPTHS for kind in ("objects", "lists")])
def test_no_depth_of_json_ends_the_router_or_loses_an_error(router: Model | Answers, line: str) -> None:
    _, to_cloudwatch = one(router, line)
    assert to_cloudwatch


# --- What the application counts --------------------------------------------------------------------------------------


@pytest.mark.covers("D12")
@pytest.mark.parametrize("line", METRICS, ids=["ascii", "unicode", "dense", "reversed", "long"])
def test_what_the_application_counts_reaches_cloudwatch_as_it_was_written(router: Model | Answers, line: str) -> None:
    (event,) = router.metrics(line)
    assert event == line
    found = extracted(event, arrival_ms=time.time() * 1000)
    dimensions = (("Service", "worker"), ("level", "gold"))
    assert found == [
        Counted(namespace="wiki-dev", name=name, value=value, unit=unit, dimensions=dimensions)
        for name, value, unit in (("JobTime", 12.345, "Seconds"), ("event", 1, "Count"))
    ]
    # In the archive as everything is; no error.
    record, to_cloudwatch = one(router, line)
    assert (record["JobTime"], record["service"], to_cloudwatch) == (12.345, "api", False)


@pytest.mark.covers("D12")
def test_metrics_that_the_runtime_cut_are_put_together(router: Model | Answers) -> None:
    assert router.metrics(*CUT_METRIC) == [METRICS[4]]


@pytest.mark.covers("D12", "A7")
def test_an_error_that_holds_metrics_is_both(router: Model | Answers) -> None:
    record, to_cloudwatch = one(router, FAILED_METRIC)
    assert (record["level"], to_cloudwatch) == ("ERROR", True)
    assert router.metrics(FAILED_METRIC) == [FAILED_METRIC]


def test_metrics_around_a_stack_trace_are_not_drawn_into_it(router: Model | Answers) -> None:
    assert router.metrics(METRICS[0], *PYTHON.split("\n"), METRICS[3]) == [METRICS[0], METRICS[3]]


@pytest.mark.parametrize("line", NO_METRICS)
def test_what_only_speaks_of_metrics_is_not_sent_a_second_time(router: Model | Answers, line: str) -> None:
    assert router.metrics(line) == []
    assert extracted(line, arrival_ms=time.time() * 1000) == []


@pytest.mark.parametrize("cases", [LEVELS, [(text, "") for text in TRACES.values()]], ids=["levels", "traces"])
def test_no_other_record_is_sent_there(router: Model | Answers, cases: list[tuple[str, str]]) -> None:
    assert [text for text, _ in cases if router.metrics(*text.split("\n"))] == []


@needs_program
@pytest.mark.covers("D12")
def test_cloudwatch_is_told_to_look_for_metrics_in_them(answers: Answers) -> None:
    assert answers.formats == {(ERROR_GROUP, ""), (METRICS_GROUP, "json/emf")}


@needs_program
def test_the_router_writes_nothing_of_its_own_about_records(answers: Answers) -> None:
    assert answers.status == 0
    # Two lines for a level that is neither a word nor a number, which is in three of the cases.
    others = [line for line in answers.said.splitlines() if "level_number" not in line and "typecast" not in line]
    assert others == []
    assert len(answers.said.splitlines()) <= 2 * 3


# --- What is lost when something fails --------------------------------------------------------------------------------


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account()
    yield made
    made.close()


def numbered(count: int, level: str = "info") -> list[Record]:
    return [
        printed(json.dumps({"level": level, "message": f"request {n} was answered " + "x" * 200, "n": n}), "0a1b")
        for n in range(count)
    ]


def numbers(records: list[Record]) -> list[int]:
    return sorted(record["n"] for record in records)


@needs_program
@pytest.mark.covers("A7")
def test_the_last_words_of_an_application_arrive(tmp_path: Path, account: Account) -> None:
    with Program(FILES, tmp_path, account) as program:
        program.feed([printed(line, "0a1b") for line in PYTHON.split("\n")])
        assert program.stop() == 0
    routed = account.routed()
    assert [record["message"] for record in routed["s3"]] == [PYTHON]
    assert [record["message"] for record in routed["cloudwatch_logs"]] == [PYTHON]


@needs_program
def test_without_its_time_to_stop_they_would_be_lost(tmp_path: Path, account: Account) -> None:
    """Why run.sh waits: should Fluent Bit learn to write what it holds, run.sh may go."""
    with Program(FILES, tmp_path, account) as program:
        program.feed([printed(line, "0a1b") for line in PYTHON.split("\n")])
        subprocess.run(["kill", "-TERM", str(program.child())], check=True)
        assert program.process.wait(PATIENCE) == 0
    assert account.routed()["s3"] == []


@needs_program
@pytest.mark.covers("A7")
def test_a_burst_is_not_lost_and_fits_into_the_memory_of_the_sidecar(tmp_path: Path, account: Account) -> None:
    with Program(FILES, tmp_path, account, upload_timeout="5s") as program:
        program.feed(numbered(100_000))
        wait_for(lambda: sum(map(len, account.objects().values())) >= 100_000, program.said, every=3)
        peak = program.peak_mib()
        assert program.stop() == 0
    assert numbers(account.routed()["s3"]) == list(range(100_000))
    assert peak < LogRouterArgs().memory - OTHER_MIB


OTHER_MIB = 32
"""What the shell and the three plug-ins in Go take that the image loads beside Fluent Bit."""


@needs_program
@pytest.mark.covers("A7")
def test_nothing_is_lost_while_s3_is_away(tmp_path: Path, account: Account) -> None:
    with Program(FILES, tmp_path, account, upload_timeout="1s") as program:
        account.away("s3")
        for n in range(30):
            program.feed(numbered(30)[n : n + 1])
            time.sleep(1)
        account.back("s3")
        wait_for(lambda: numbers(account.routed()["s3"]) == list(range(30)), program.said)
        assert program.stop() == 0
    assert numbers(account.routed()["s3"]) == list(range(30))


def test_s3_may_be_away_for_an_hour() -> None:
    (s3,) = [one for one in read(FILES / "router.conf") if one.get("name") == "s3"]
    tries = int(s3.get("retry_limit"))
    # After try n it waits 2n seconds.
    assert sum(2 * n for n in range(1, tries + 1)) >= 3600
    assert s3.get("store_dir_limit_size") == "4G", "an hour of 1 MiB a second"


@needs_program
@pytest.mark.covers("A7")
def test_no_error_is_lost_and_no_other_record_waits_while_cloudwatch_is_away(tmp_path: Path, account: Account) -> None:
    with Program(FILES, tmp_path, account, upload_timeout="1s") as program:
        account.away("logs")
        for n in range(30):
            program.feed(numbered(30, "error")[n : n + 1])
            time.sleep(1)
        wait_for(lambda: sum(map(len, account.objects().values())) >= 25, program.said)
        account.back("logs")
        wait_for(lambda: len(account.events()) == 30, program.said)
        assert program.stop() == 0
    assert {output: numbers(records) for output, records in account.routed().items()} == {
        "s3": list(range(30)), "cloudwatch_logs": list(range(30)),
    }  # fmt: skip


@needs_program
def test_a_message_of_empty_lines_blocks_nothing(tmp_path: Path, account: Account) -> None:
    texts = [unit * (500_000 // len(unit)) for unit in ("\n", " ", "\t", "a ", "a", "[", "a.", "\n at ")]
    lines = [one for text in texts for one in (json.dumps({"message": text}), "x" + text)]
    with Program(FILES, tmp_path, account) as program:
        program.feed_and_wait([("app-firelens-0a1b", printed(line, "0a1b")) for line in lines], int(time.time()))
        # A pattern that goes over it again and again would take hours.
        assert program.stop() == 0
    assert len(account.routed()["s3"]) == len(lines) + 1


@needs_program
def test_a_line_without_end_is_cut_before_it_costs_the_task_its_memory(tmp_path: Path, account: Account) -> None:
    part = {"log": "x" * 16_384, "partial_message": "true", "partial_id": "p"}
    parts = [{**part, "partial_ordinal": str(n + 1), "partial_last": str(n == 699).lower()} for n in range(700)]
    with Program(FILES, tmp_path, account) as program:
        program.feed_and_wait([("app-firelens-0a1b", printed(one, "0a1b")) for one in parts], int(time.time()))
        peak = program.peak_mib()
        assert program.stop() == 0
    assert max(len(record["message"]) for record in account.routed()["s3"]) == 3 * 1024 * 1024
    assert peak < LogRouterArgs().memory


@needs_program
@pytest.mark.covers("A7")
def test_a_line_of_megabytes_fits_into_the_memory_of_the_sidecar(tmp_path: Path, account: Account) -> None:
    text = "a line of a report, in words: " * 100_000
    with Program(FILES, tmp_path, account) as program:
        lines = [printed(line, "0a1b") for line in (text, json.dumps({"message": text, "n": 1}))]
        program.feed_and_wait([("app-firelens-0a1b", line) for line in lines], int(time.time()))
        peak = program.peak_mib()
        assert program.stop() == 0
    assert sorted(len(record["message"]) for record in account.routed()["s3"])[1:] == [len(text)] * 2
    assert peak < LogRouterArgs().memory - OTHER_MIB


# --- The files --------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A7")
def test_s3_gets_compressed_objects_by_service_and_hour_and_loses_a_minute_at_most() -> None:
    s3 = Model(FILES).outputs["s3"]
    key = "/app-logs/service=api/year=%Y/month=%m/day=%d/hour=%H/%M%S-$UUID.json.gz"
    assert (s3.get("bucket"), s3.get("s3_key_format")) == ("archive", key)
    # Fluent Bit compresses with gzip only what it puts as one object.
    assert (s3.get("compression"), s3.get("use_put_object")) == ("gzip", "On")
    assert s3.get("upload_timeout") == "1m"
    logs = Model(FILES).outputs["cloudwatch_logs"]
    assert (logs.get("log_group_name"), logs.get("auto_create_group")) == ("/ecs/wiki-dev-api/errors", "Off")
    assert set(Model(FILES).outputs) == {"s3", "cloudwatch_logs", "metrics"}
    metrics = Model(FILES).outputs["metrics"]
    assert (metrics.get("log_group_name"), metrics.get("auto_create_group")) == ("/ecs/wiki-dev-api/metrics", "Off")
    # CloudWatch extracts nothing of what stands beneath a key.
    assert (metrics.get("name"), metrics.get("log_format"), metrics.get("log_key")) == (
        "cloudwatch_logs", "json/emf", "log",
    )  # fmt: skip


def test_what_waits_in_memory_fits_into_the_sidecar() -> None:
    sections = read(FILES / "router.conf")
    emitters = [section for section in sections if section.get("name") in ("multiline", "rewrite_tag")]
    limits = [int(section.get("emitter_mem_buf_limit").removesuffix("M")) for section in emitters]
    assert len(limits) == 4
    assert sum(limits) <= 64, "half of the sidecar's 128 MiB"


def test_what_waits_for_cloudwatch_never_keeps_records_from_s3() -> None:
    sections = read(FILES / "router.conf")
    (service,) = [section for section in sections if section.kind == "SERVICE"]
    tries = [int(one.get("retry_limit")) for one in sections if one.get("name") == "cloudwatch_logs"]
    # A file for each second and output; between two tries 31 seconds on average.
    assert sum(31 * one for one in tries) < int(service.get("storage.max_chunks_up"))


def test_the_last_records_leave_before_the_container_is_killed() -> None:
    (service,) = [section for section in read(FILES / "router.conf") if section.kind == "SERVICE"]
    waits = int((FILES / "run.sh").read_text(encoding="utf-8").partition("sleep ")[2].partition(";")[0])
    assert waits + int(service.get("grace")) < 120
