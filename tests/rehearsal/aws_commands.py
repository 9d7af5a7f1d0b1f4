"""The commands of the AWS CLI in a runbook: read from the text, held against AWS's own models, and run.

They are run by bash as they stand in the runbook, with a stand-in for the CLI on its path. It reads options as the CLI
does, by the models that botocore has, and sends the request to the emulated account. So no second SDK is needed, whose
version would have to fit, and a call takes no second to start.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
from botocore import xform_name
from botocore.exceptions import ClientError, WaiterError
from botocore.model import ListShape, OperationModel, Shape, StructureShape

GLOBAL = {"region", "query", "output", "max-items"}
# The AWS CLI calls S3's plain operations so.
SERVICES = {"s3api": "s3"}
_SESSION = botocore.session.get_session()
_BEFORE_A_COMMAND = {"", ";", "(", "|", "||", "&&", "do", "then", "until", "while", "if", "!", "{"}


def blocks(markdown: str, heading: str | None = None) -> list[str]:
    """The blocks of commands in a document, or below one of its headings."""
    if heading is not None:
        markdown = re.split(rf"^#+ {re.escape(heading)}$", markdown, maxsplit=1, flags=re.MULTILINE)[1]
        markdown = re.split(r"^#+ ", markdown, maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(r"^( *)```\n(.*?)^ *```$", markdown, re.MULTILINE | re.DOTALL)
    return ["\n".join(line.removeprefix(indent) for line in text.splitlines()) for indent, text in found]


def commands(script: str) -> Iterator[list[str]]:
    """The words of each `aws …` in a script, wherever in a line it stands."""
    for line in script.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&()<>")
        lexer.whitespace_split = True
        lexer.commenters = ""
        words: list[str] = []
        before = ""
        for word in [*lexer, ";"]:
            ends = bool(re.fullmatch(r"[;|&()<>]+", word))
            if words and ends:
                yield words
                words = []
            elif words:
                words.append(word)
            elif word == "aws" and (before in _BEFORE_A_COMMAND or before.endswith("$")):
                words = [word]
            before = word


def wrong(words: list[str]) -> list[str]:
    """What AWS would not understand of a command of its CLI."""
    service, verb = words[1], words[2]
    operation = _operation(service, words[2:])
    if operation is None:
        return [f"{service} has no {' '.join(words[2:4]) if verb == 'wait' else verb}"]
    shape = operation.input_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    required = shape.required_members if isinstance(shape, StructureShape) else []
    options = {xform_name(name, "-"): name for name in members}
    given = {word[2:] for word in words if word.startswith("--")} - GLOBAL
    known = {option for option in given if option in options or option.removeprefix("no-") in options}
    missing = {name for name in required if xform_name(name, "-") not in given}
    return [*(f"no option --{option}" for option in sorted(given - known)), *(f"lacks {name}" for name in missing)]


def _operation(service: str, verb: list[str]) -> OperationModel | None:
    name = SERVICES.get(service, service)
    if name not in _SESSION.get_available_services():
        return None
    model = _SESSION.get_service_model(name)
    if verb[0] == "wait":
        waiters = _SESSION.get_waiter_model(name)
        found = {xform_name(one, "-"): one for one in waiters.waiter_names}
        return model.operation_model(waiters.get_waiter(found[verb[1]]).operation) if verb[1] in found else None
    operation = next((one for one in model.operation_names if xform_name(one, "-") == verb[0]), None)
    return model.operation_model(operation) if operation else None


class Shell:
    """bash in a folder of its own, whose `aws` speaks to an emulated account."""

    def __init__(self, folder: Path, address: str, region: str) -> None:
        self._folder, self._region = folder, region
        self._clients: dict[tuple[str, str], Any] = {}
        self._address = address
        self.ran: list[list[str]] = []
        """The commands that the account has answered."""
        at = folder / "socket"
        stand_in = folder / "bin" / "aws"
        stand_in.parent.mkdir()
        stand_in.write_text(_STAND_IN.format(python=sys.executable, socket=str(at)), encoding="utf-8")
        stand_in.chmod(0o755)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(at))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def run(self, script: str, **filled_in: str) -> str:
        """What a script prints, in which words in capitals stand for these values."""
        for name, value in filled_in.items():
            script = re.sub(rf"(?<![\w-]){name.replace('_', '-')}(?![\w-])", value.replace("\\", r"\\"), script)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self._folder,
            env={**os.environ, "PATH": f"{self._folder / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def client(self, service: str, region: str | None = None) -> Any:
        """What asks the account about the data itself."""
        key = (SERVICES.get(service, service), region or self._region)
        if key not in self._clients:
            self._clients[key] = _SESSION.create_client(
                key[0],
                region_name=key[1],
                endpoint_url=self._address,
                aws_access_key_id="any",
                aws_secret_access_key="any",
            )
        return self._clients[key]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rw", encoding="utf-8") as stream:
                try:
                    status, text = self._answer(json.loads(stream.readline()))
                except Exception as error:  # noqa: BLE001 the command line shows it, and the script ends
                    status, text = 1, f"{type(error).__name__}: {error}\n"
                stream.write(json.dumps([status, text]))

    def _read(self, word: str) -> str:
        path = word.removeprefix("file://")
        return word if path == word else (self._folder / path).read_text(encoding="utf-8")

    def _answer(self, words: list[str]) -> tuple[int, str]:
        problems = wrong(words)
        if problems:
            return 252, f"{' '.join(words)}: {', '.join(problems)}\n"
        service, verb = words[1], words[2]
        operation = _operation(service, words[2:])
        assert operation is not None
        options = _options([self._read(word) for word in words[4 if verb == "wait" else 3 :]])
        client = self.client(service, *options.pop("region", []))
        query, output = options.pop("query", []), options.pop("output", ["json"])
        request = _request(operation, options)
        try:
            if verb == "wait":
                client.get_waiter(xform_name(words[3].replace("-", "_"))).wait(
                    **request, WaiterConfig={"Delay": 1, "MaxAttempts": 3}
                )
                answer: Any = None
            else:
                answer = getattr(client, xform_name(operation.name))(**request)
                answer.pop("ResponseMetadata")
        except (ClientError, WaiterError) as error:
            return 254, f"{' '.join(words)}: {error}\n"
        self.ran.append(words)
        if query:
            answer = jmespath.search(query[0], json.loads(json.dumps(answer, default=_plain)))
        if answer is None or answer == {}:
            return 0, "None\n" if query and output == ["text"] else "{}\n" if query else ""
        if output == ["text"]:
            return 0, ("\t".join(map(str, answer)) if isinstance(answer, list) else str(answer)) + "\n"
        return 0, json.dumps(answer, default=_plain) + "\n"


_STAND_IN = """#!{python} -SE
import json, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect("{socket}")
    with asked.makefile("rw", encoding="utf-8") as stream:
        stream.write(json.dumps(["aws", *sys.argv[1:]]) + "\\n")
        stream.flush()
        status, text = json.loads(stream.readline())
(sys.stderr if status else sys.stdout).write(text)
sys.exit(status)
"""


def _options(words: list[str]) -> dict[str, list[str]]:
    options: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word[2:]
            options[name] = []
        else:
            options[name].append(word)
    return options


def _request(operation: OperationModel, options: Mapping[str, list[str]]) -> dict[str, Any]:
    shape = operation.input_shape
    assert isinstance(shape, StructureShape)
    members = {xform_name(name, "-"): (name, member) for name, member in shape.members.items()}
    request: dict[str, Any] = {}
    for option, values in options.items():
        switch = option.removeprefix("no-") if option not in members else option
        name, member = members[switch]
        request[name] = switch == option if member.type_name == "boolean" else _value(member, values)
    return request


def _value(shape: Shape, words: list[str]) -> Any:
    """What words are for a parameter of this shape: JSON, the CLI's shorthand, or themselves."""
    text = " ".join(words)
    if shape.type_name in ("structure", "map", "list") and text[:1] in ("{", "["):
        return json.loads(text)
    if isinstance(shape, ListShape):
        return [_value(shape.member, [word]) for word in words]
    if isinstance(shape, StructureShape):
        return _shorthand(shape, text)
    return int(text) if shape.type_name in ("integer", "long") else text


def _shorthand(shape: StructureShape, text: str) -> dict[str, Any]:
    """`Key=Value,Other={inner=[a,b]}`."""
    found: dict[str, Any] = {}
    for part in _split(text):
        key, _, value = part.partition("=")
        member = shape.members[key]
        inside = value[1:-1] if value[:1] in ("{", "[") else value
        found[key] = _value(member, _split(inside) if isinstance(member, ListShape) else [inside])
    return found


def _split(text: str) -> list[str]:
    """At the commas that are in no bracket."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "{[") - (sign in "}]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)
