"""The log router with and without Fluent Bit: the program itself where the machine has it, and a model of the part that
the log router's files use, so that what becomes of a record is also tried where it is missing.

Tests of records run on both, so that the model cannot hide what the program does. The model reads the files as they
are and refuses every plugin and key that it does not know: nothing in the files passes unread.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import regex
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import BaseWSGIServer, make_server

from tests.conftest import PATIENCE

Record = dict[str, Any]
Routed = dict[str, list[Record]]
"""Output → records as they are written there."""

EXECUTABLE = shutil.which("fluent-bit")
BUCKET, ERROR_GROUP, METRICS_GROUP, SERVICE = "archive", "/ecs/wiki-dev-api/errors", "/ecs/wiki-dev-api/metrics", "api"
ENVIRONMENT = {
    "SERVICE": SERVICE,
    "AWS_REGION": "ap-northeast-1",
    "LOG_BUCKET": BUCKET,
    "ERROR_LOG_GROUP": ERROR_GROUP,
    "METRICS_LOG_GROUP": METRICS_GROUP,
}
LAST = "last"
"""The container whose record tells that what was fed before has been read."""
METADATA = {
    "ecs_cluster": "wiki-dev",
    "ecs_task_arn": "arn:aws:ecs:ap-northeast-1:123456789012:task/wiki-dev/0a1b",
    "ecs_task_definition": "wiki-dev-api:7",
}


def printed(line: str | Record, container: str) -> Record:
    """A line of the application as the log driver of the containers hands it on."""
    if not isinstance(line, str):
        return {"container_id": container, "container_name": "/app", "source": "stdout", **line}
    return {"container_id": container, "container_name": "/app", "source": "stdout", "log": line}


# --- The files --------------------------------------------------------------------------------------------------------


@dataclass
class Section:
    """One section of a file: its keys in lower case, in order; a key may stand several times."""

    kind: str
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def get(self, key: str, default: str = "") -> str:
        return next((value for name, value in self.pairs if name == key), default)

    def all(self, key: str) -> list[str]:
        return [value for name, value in self.pairs if name == key]


def read(path: Path) -> list[Section]:
    """The sections of a file in Fluent Bit's classic format."""
    sections: list[Section] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("["):
            sections.append(Section(text.strip("[]")))
            continue
        key, _, value = text.partition(" ")
        sections[-1].pairs.append((key.lower(), value.strip()))
    return sections


def pattern(text: str) -> regex.Pattern[str]:
    """A regular expression of Ruby's: `^` and `$` match at lines, `m` lets the dot match them, `\\z` is the end."""
    text = text.removeprefix("/").removesuffix("/") if text.startswith("/") else text
    # Possessive elsewhere, a repetition within a repetition there.
    assert "}+" not in text, text
    return regex.compile(text.replace("(?m:", "(?s:").replace(r"\z", r"\Z"), regex.MULTILINE | regex.ASCII)


# --- The program ------------------------------------------------------------------------------------------------------


class Account:
    """S3 and CloudWatch Logs on this machine, each of which can be away for a while."""

    def __init__(self) -> None:
        self.servers: dict[str, BaseWSGIServer] = {}
        self.ports: dict[str, int] = {}
        self.formats: set[tuple[str, str]] = set()
        """Log group → the format that its events were said to have, of each call of PutLogEvents."""
        for service in ("s3", "logs"):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.ports[service] = free.getsockname()[1]
            self.back(service)
        s3, logs = self.client("s3"), self.client("logs")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
        for group in (ERROR_GROUP, METRICS_GROUP):
            logs.create_log_group(logGroupName=group)

    def client(self, service: str) -> Any:
        return boto3.client(
            service, region_name="ap-northeast-1", verify=False,
            endpoint_url=f"http{'s' if service == 'logs' else ''}://127.0.0.1:{self.ports[service]}",
            aws_access_key_id="a", aws_secret_access_key="a",
        )  # fmt: skip

    def back(self, service: str) -> None:
        # Fluent Bit speaks nothing but TLS to CloudWatch Logs.
        emulated = DomainDispatcherApplication(create_backend_app)
        server = make_server(
            "127.0.0.1", self.ports[service], self._noting(emulated) if service == "logs" else emulated, threaded=True,
            ssl_context="adhoc" if service == "logs" else None,
        )  # fmt: skip
        Thread(target=server.serve_forever, daemon=True).start()
        self.servers[service] = server

    def _noting(self, emulated: Any) -> Any:
        def application(environ: dict[str, Any], respond: Any) -> Any:
            if environ.get("HTTP_X_AMZ_TARGET", "").endswith(".PutLogEvents"):
                body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
                environ["wsgi.input"] = io.BytesIO(body)
                self.formats.add((json.loads(body)["logGroupName"], environ.get("HTTP_X_AMZN_LOGS_FORMAT", "")))
            return emulated(environ, respond)

        return application

    def away(self, service: str) -> None:
        server = self.servers.pop(service)
        server.shutdown()
        server.server_close()

    def close(self) -> None:
        for name in [*self.servers]:
            self.away(name)
        # The servers of one process share what they hold.
        for backend in (s3_backends, logs_backends):
            backend.reset()

    def objects(self) -> dict[str, list[Record]]:
        """Key → records, of every object in the archive."""
        s3 = self.client("s3")
        return {
            one["Key"]: [
                json.loads(line)
                for line in gzip.decompress(s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()).splitlines()
            ]
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
            for one in page.get("Contents", [])
        }

    def events(self, group: str = ERROR_GROUP) -> list[dict[str, Any]]:
        """The events of a log group, each with its `stream`."""
        logs, found = self.client("logs"), []
        for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
            for stream in page["logStreams"]:
                token: dict[str, str] = {}
                while True:
                    part = logs.get_log_events(
                        logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, **token
                    )
                    if not part["events"]:
                        break
                    found += [{**event, "stream": stream["logStreamName"]} for event in part["events"]]
                    token = {"nextToken": part["nextForwardToken"]}
        return found

    def routed(self) -> Routed:
        return {
            "s3": [record for records in self.objects().values() for record in records],
            "cloudwatch_logs": [json.loads(event["message"]) for event in self.events()],
        }


class Program:
    """Fluent Bit, started as the container starts it, with the configuration that FireLens writes before ours."""

    def __init__(self, files: Path, folder: Path, account: Account, **changes: str) -> None:
        """`changes`: values of keys of router.conf, for what a test cannot wait for."""
        assert EXECUTABLE is not None
        self.socket, self.log, self.account = folder / "fluent.sock", folder / "own.log", account
        self.number = 0
        router = (files / "router.conf").read_text(encoding="utf-8").replace("/tmp/log-router", f"{folder}/state")  # noqa: S108
        here = f"\n    endpoint http://127.0.0.1:{account.ports['s3']}"
        router = regex.sub(r"(?m)^    Name +s3$", rf"\g<0>{here}\n    tls Off", router)
        there = f"\n    endpoint 127.0.0.1\n    port {account.ports['logs']}\n    tls.verify Off"
        router = regex.sub(r"(?m)^    Name +cloudwatch_logs$", rf"\g<0>{there}", router)
        for key, value in changes.items():
            router, times = regex.subn(rf"(?m)^(    {key} +).*$", rf"\g<1>{value}", router)
            assert times, key
        (folder / "router.conf").write_text(router, encoding="utf-8")
        records = "".join(f"\n    Record {key} {value}" for key, value in METADATA.items())
        (folder / "firelens.conf").write_text(
            f"[INPUT]\n    Name forward\n    unix_path {self.socket}\n    Mem_Buf_Limit 25MB\n"
            f"[FILTER]\n    Name record_modifier\n    Match *{records}\n",
            encoding="utf-8",
        )
        main = folder / "main.conf"
        main.write_text(f"@INCLUDE {folder}/firelens.conf\n@INCLUDE {folder}/router.conf\n", encoding="utf-8")
        program = ["bash", "-c", (files / "run.sh").read_text(encoding="utf-8"), "log-router"]
        program += [EXECUTABLE, "-c", str(main), "-R", str(files / "parsers.conf")]
        self.output = self.log.open("wb")
        self.process = subprocess.Popen(
            program,
            env={
                "PATH": os.environ["PATH"], "HOME": str(folder), "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "a",
                **ENVIRONMENT,
            },
            stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        wait_for(self._listens, self.said)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.said()
        with socket.socket(socket.AF_UNIX) as line, suppress(OSError):
            line.connect(str(self.socket))
            return True
        return False

    def feed(self, records: Sequence[Record], tag: str = "app-firelens-0a1b") -> None:
        """Hand records over one by one, as the log driver does."""
        self.feed_tagged([(tag, record) for record in records], int(time.time()))

    def feed_tagged(self, records: Sequence[tuple[str, Record]], now: int) -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(120)
            line.connect(str(self.socket))
            # At once, as fast as it is read.
            line.sendall(b"".join(packed([tag, now, record]) for tag, record in records))

    def feed_and_wait(self, records: Sequence[tuple[str, Record]], now: int) -> None:
        """The same, until it has read them: an error that is sent last, over the same line, has arrived."""
        last = printed('{"level": "error", "message": "the last one"}', LAST)
        self.feed_tagged([*records, (f"app-firelens-{LAST}", last)], now)
        wait_for(lambda: any(LAST in event["message"] for event in self.account.events()), self.said)

    def stop(self) -> int:
        """What ECS does: a signal to the container's first process, and a wait."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def child(self) -> int:
        """The process id of Fluent Bit itself."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next(int(one) for one in children if "fluent" in Path(f"/proc/{one}/comm").read_text())

    def peak_mib(self) -> float:
        """The most memory that it has had so far."""
        status = Path(f"/proc/{self.child()}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.child()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def said(self) -> str:
        """Its own log, which is billed in a group of its own, but for what it says of its end."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        ends = ("caught signal", "service will shutdown")
        return "\n".join(one for one in lines if regex.match(r"\[\d{4}/", one) and not any(end in one for end in ends))


def wait_for(
    true: Callable[[], bool], otherwise: Callable[[], str], seconds: float = PATIENCE, every: float = 0.2
) -> None:
    """Until `true()`; after `seconds`, far more than it takes, it fails with `otherwise()`."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, otherwise()
        time.sleep(every)


def packed(value: Any) -> bytes:
    """In MessagePack, which the log driver speaks."""
    match value:
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return b"\xd3" + struct.pack(">q", value)
        case str():
            return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()
        case list():
            return b"\xdd" + struct.pack(">I", len(value)) + b"".join(packed(one) for one in value)
        case dict():
            pairs = b"".join(packed(key) + packed(one) for key, one in value.items())
            return b"\xdf" + struct.pack(">I", len(value)) + pairs
        case _:
            raise TypeError(type(value))


class Answers:
    """What the program has made of many cases at once: it starts and ends in seconds, so it does so once for all."""

    def __init__(self, files: Path, folder: Path, account: Account, cases: Sequence[Sequence[str | Record]]) -> None:
        self.now = datetime.fromtimestamp(int(time.time()), UTC)
        names = {json.dumps(case): str(number) for number, case in enumerate(cases)}
        with Program(files, folder, account) as program:
            lines = [
                (f"app-firelens-{name}", printed(line, name))
                for case in cases
                for name in [names[json.dumps(case)]]
                for line in case
            ]
            program.feed_and_wait(lines, int(self.now.timestamp()))
            self.status = program.stop()
            self.said = program.said()
        everything = account.routed()
        self.formats = account.formats
        self.lines: dict[str, list[str]] = {name: [] for name in names.values()}
        for event in account.events(METRICS_GROUP):
            self.lines[event["stream"].rpartition("-")[2]].append(event["message"])
        self.names = names
        self.answers: dict[str, Routed] = {
            case: {
                output: [one for one in records if one["firelens"]["container_id"] == name]
                for output, records in everything.items()
            }
            for case, name in names.items()
        }

    def route(self, *lines: str | Record) -> Routed:
        return self.answers[json.dumps(lines)]

    def metrics(self, *lines: str | Record) -> list[str]:
        """The events of these lines that CloudWatch Logs looks for metrics in."""
        return self.lines[self.names[json.dumps(lines)]]


# --- The model --------------------------------------------------------------------------------------------------------


@dataclass
class Event:
    """A record on its way."""

    tag: str
    record: Record
    time: datetime


class Model:
    """The filters and outputs of the log router, fed with lines as FireLens feeds them."""

    now = datetime(2026, 4, 5, 6, 7, 8, tzinfo=UTC)

    def __init__(self, folder: Path) -> None:
        parsers = read(folder / "parsers.conf")
        self.parsers = {one.get("name"): one for one in parsers if one.kind == "PARSER"}
        self.multiline = {one.get("name"): one for one in parsers if one.kind == "MULTILINE_PARSER"}
        assert len(self.parsers) + len(self.multiline) == len(parsers)
        self.sections = read(folder / "router.conf")
        for section in self.sections:
            section.pairs = [(key, _filled(value)) for key, value in section.pairs]
        assert {one.kind for one in self.sections} == {"SERVICE", "FILTER", "OUTPUT"}
        self.filters = [one for one in self.sections if one.kind == "FILTER"]
        outputs = [one for one in self.sections if one.kind == "OUTPUT"]
        self.outputs = {one.get("alias") or one.get("name"): one for one in outputs}

    def route(self, *lines: str | Record) -> Routed:
        """What each output of whole records gets of these lines of one container's log."""
        events = self._events(lines)
        return {
            name: [_written(output, event) for event in events if fnmatchcase(event.tag, output.get("match"))]
            for name, output in self.outputs.items()
            if not output.get("log_key")
        }

    def metrics(self, *lines: str | Record) -> list[str]:
        """The events of these lines that CloudWatch Logs looks for metrics in."""
        (output,) = (one for one in self.outputs.values() if one.get("log_format") == "json/emf")
        events = [one for one in self._events(lines) if fnmatchcase(one.tag, output.get("match"))]
        return [event.record[output.get("log_key")] for event in events]

    def _events(self, lines: Sequence[str | Record]) -> list[Event]:
        events = [Event("app-firelens-0a1b", {**printed(line, "0a1b"), **METADATA}, self.now) for line in lines]
        return self._run(events, self.filters)

    def _run(self, events: list[Event], filters: list[Section]) -> list[Event]:
        for number, one in enumerate(filters):
            step = getattr(self, f"_{one.get('name')}")
            mine = [event for event in events if fnmatchcase(event.tag, one.get("match"))]
            others = [event for event in events if not fnmatchcase(event.tag, one.get("match"))]
            if one.get("name") == "rewrite_tag":
                # Emitted copies go through all filters under their new tag; the ones before this one do not match it.
                kept, copies = step(one, mine)
                assert not any(fnmatchcase(copy.tag, each.get("match")) for copy in copies for each in filters[:number])
                return self._run(kept + others + copies, filters[number + 1 :])
            events = step(one, mine) + others
        return events

    def _multiline(self, section: Section, events: list[Event]) -> list[Event]:
        _knows(section, "multiline.key_content", "multiline.parser", "mode", "flush_ms", "emitter_mem_buf_limit")
        key = section.get("multiline.key_content")
        if section.get("mode") == "partial_message":
            return _joined_parts(events, key)
        parser = self.multiline[section.get("multiline.parser")]
        _knows(parser, "type", "rule")
        rules = [regex.findall(r'"([^"]*)"', value) for value in parser.all("rule")]
        result: list[Event] = []
        state: str | None = None
        for event in events:
            line = event.record.get(key)
            assert isinstance(line, str)
            begins = [one for one in rules if one[0] == "start_state" and pattern(one[1]).search(line)]
            goes_on = [one for one in rules if state in regex.split(r",\s*", one[0]) and pattern(one[1]).search(line)]
            if goes_on:
                result[-1].record[key] += "\n" + line
            else:
                # A line that begins something, or one that no rule knows: it stands alone.
                result.append(event)
            found = next(iter(goes_on or begins), None)
            state = found[2] if found else None
        return result

    def _nest(self, section: Section, events: list[Event]) -> list[Event]:
        _knows(section, "operation", "wildcard", "nest_under")
        assert section.get("operation") == "nest"
        for event in events:
            nested = {
                name: event.record.pop(name)
                for name in list(event.record)
                if any(fnmatchcase(name, one) for one in section.all("wildcard"))
            }
            event.record[section.get("nest_under")] = nested
        return events

    def _parser(self, section: Section, events: list[Event]) -> list[Event]:
        _knows(section, "key_name", "parser", "reserve_data", "preserve_key")
        assert section.get("reserve_data") == "On"
        key, keep = section.get("key_name"), section.get("preserve_key", "Off") == "On"
        for event in events:
            value = event.record.get(key)
            if not isinstance(value, str):
                continue
            for parser in (self.parsers[name] for name in section.all("parser")):
                if (found := _parsed(parser, value)) is None:
                    continue
                fields, event.time = found[0], found[1] or event.time
                rest = {name: one for name, one in event.record.items() if keep or name != key}
                event.record = {**fields, **rest}
                break
        return events

    def _modify(self, section: Section, events: list[Event]) -> list[Event]:
        rules = [(name, value.split()) for name, value in section.pairs if name not in ("name", "match", "condition")]
        conditions = [value.split() for value in section.all("condition")]
        for event in events:
            if all(_holds(condition, event.record) for condition in conditions):
                for name, words in rules:
                    _modified(event.record, name, words)
        return events

    def _type_converter(self, section: Section, events: list[Event]) -> list[Event]:
        _knows(section, "int_key")
        key, target, kind = section.get("int_key").split()
        assert kind == "string"
        for event in events:
            value = event.record.get(key)
            # It writes two lines of its own about each of them.
            assert not isinstance(value, str)
            if isinstance(value, int) and not isinstance(value, bool):
                event.record[target] = str(value)
        return events

    def _rewrite_tag(self, section: Section, events: list[Event]) -> tuple[list[Event], list[Event]]:
        _knows(section, "rule", "emitter_name", "emitter_storage.type", "emitter_mem_buf_limit")
        key, wanted, tag, keep = section.get("rule").split()
        assert keep == "true"
        copies = [
            Event(tag.replace("$TAG", event.tag), dict(event.record), event.time)
            for event in events
            if pattern(wanted).search(event.record.get(key.removeprefix("$"), ""))
        ]
        return events, copies


def _filled(value: str) -> str:
    return regex.sub(r"\$\{(\w+)\}", lambda match: ENVIRONMENT[match[1]], value)


def _knows(section: Section, *keys: str) -> None:
    unknown = {name for name, _ in section.pairs} - set(keys) - {"name", "match"}
    assert not unknown, f"{section.kind} {section.get('name')}: {unknown}"


def _joined_parts(events: list[Event], key: str) -> list[Event]:
    result: list[Event] = []
    open_parts: dict[str, Event] = {}
    for event in events:
        if event.record.get("partial_message") != "true":
            result.append(event)
            continue
        identity = event.record["partial_id"]
        if identity in open_parts:
            open_parts[identity].record[key] += event.record[key]
        else:
            open_parts[identity] = event
            result.append(event)
        if event.record.get("partial_last") == "true":
            del open_parts[identity]
    for event in result:
        for name in [name for name in event.record if name.startswith("partial_")]:
            del event.record[name]
    return result


def _parsed(parser: Section, value: str) -> tuple[Record, datetime | None] | None:
    """The fields that a parser finds, and the time; None where it does not match."""
    if parser.get("format") == "json":
        _knows(parser, "format")
        with suppress(ValueError):
            found = json.loads(value)
            return (found, None) if isinstance(found, dict) else None
        return None
    _knows(parser, "format", "regex", "time_key", "time_format", "time_keep")
    match = pattern(parser.get("regex")).search(value)
    if match is None:
        return None
    fields, given = match.groupdict(), None
    if parser.get("time_key"):
        assert parser.get("time_keep") == "Off"
        text = regex.sub(r"(\.\d{6})\d+", r"\1", fields.pop(parser.get("time_key")))
        given = datetime.strptime(text, parser.get("time_format").replace("%L", "%f")).astimezone(UTC)
    return fields, given


def _holds(condition: list[str], record: Record) -> bool:
    kind, key, *rest = condition
    if kind == "Key_does_not_exist":
        assert not rest
        return key not in record
    assert kind == "Key_value_matches", kind
    # A pattern with spaces would be cut: the words must be one.
    assert len(rest) == 1, condition
    value = record.get(key)
    return isinstance(value, str) and pattern(rest[0]).search(value) is not None


def _modified(record: Record, rule: str, words: list[str]) -> None:
    if rule in ("rename", "hard_rename", "copy"):
        old, new = words
        if old in record and (new not in record or rule == "hard_rename"):
            record[new] = record[old]
            if rule != "copy":
                del record[old]
    elif rule == "remove":
        (key,) = words
        record.pop(key, None)
    elif rule in ("add", "set"):
        key, value = words
        if rule == "set" or key not in record:
            record[key] = value
    else:
        raise AssertionError(f"modify has a rule {rule}")


def _written(output: Section, event: Event) -> Record:
    """The JSON object of one line; only the S3 output writes the time into it."""
    if output.get("name") != "s3":
        return event.record
    assert output.get("json_date_format") == "iso8601"
    return {output.get("json_date_key"): event.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), **event.record}
