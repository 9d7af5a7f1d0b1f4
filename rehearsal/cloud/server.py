"""The cloud process: one emulated account for all passes.

It is a process of its own so that importing moto overlaps with importing the provider's SDK, and so that what one
pass does to Python's state cannot reach another.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import re
import socket
import threading
from collections import Counter
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from botocore.exceptions import BotoCoreError

from rehearsal.cloud.account import Account
from rehearsal.cloud.client import CheckResult, CreateRequest, CreateResult, RecordedCall, internal_error
from rehearsal.cloud.creation import CreateContext, create
from rehearsal.cloud.endpoint import address, listener
from rehearsal.cloud.existing import stand_in
from rehearsal.cloud.lookups import look_up
from rehearsal.cloud.references import References
from rehearsal.cloud.specs import spec_of
from rehearsal.isolation import LOOPBACK
from rehearsal.problems import (
    ASSUMED,
    AwsError,
    NoAnswerError,
    ReferenceNotFoundError,
    RehearsalError,
    RequestError,
    UnsupportedOperationError,
)
from rehearsal.texts import texts

_CALL: Final = ("HTTP_X_AMZ_SECURITY_TOKEN", "REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")
"""What a call is recognized by besides its body: the token is of the one who calls (`isolation`)."""
_ZONE: Final = "aws:route53/getZone:getZone"
_SUFFIX_LENGTH: Final = 7
"""Hexadecimal digits that Pulumi appends to a name it makes, after a hyphen."""


def main(
    connections: list[Connection],
    sdk: socket.socket,
    stand_ins: list[str],
    region: str | None,
    *,
    assume_existing: bool = False,
) -> None:
    """Answer questions until every asker has gone. `stand_ins` are ids of things that exist already, and with
    `assume_existing` any that nothing makes does; `region` is where most questions will be about, as far as that is
    known. On `sdk` the account answers as AWS does, once it is asked:
    most programs never do, and then nothing is loaded for it."""
    served = Server(stand_ins, assume_existing=assume_existing)
    served.expect(region)
    open_connections = list(connections)
    waiting: list[Connection | socket.socket] = [sdk, *connections]
    while open_connections:
        for connection in wait(waiting):
            if not isinstance(connection, Connection):
                waiting.remove(sdk)
                served.open(sdk)
                continue
            try:
                question = connection.recv()
            except (EOFError, OSError):
                open_connections.remove(connection)
                waiting.remove(connection)
                continue
            connection.send(served.answer(connections.index(connection), *question))


class Server:
    """The account and what is remembered about it."""

    def __init__(self, stand_ins: list[str], *, assume_existing: bool) -> None:
        self._account = Account()
        self._references = References()
        self._stand_ins = stand_ins
        self._assume_existing = assume_existing
        self._assumed: set[str] = set()
        """The hosted zones that a program looked up and nobody made."""
        self._asker = 0
        self._looked_up: Counter[str] = Counter()
        self._references.produced(stand_ins)
        self._one_at_a_time = threading.Lock()
        """moto is not made for several callers at once, and its ids come from one source."""

    def expect(self, region: str | None) -> None:
        """Make ready, while the program still loads, what its first questions would wait for."""
        if region is not None:
            # What is wrong with the region is for the program, or its first resource, to say.
            with contextlib.suppress(LookupError, ValueError, BotoCoreError):
                self._account.client("ec2", region)

    def answer(self, asker: int, question: str, *arguments: Any) -> Any:
        try:
            with self._one_at_a_time:
                self._asker = asker
                return getattr(self, f"_{question}")(*arguments)
        except RehearsalError as error:
            return error
        except Exception as error:  # noqa: BLE001 must reach the report with its resource, not end the process
            return internal_error(error)

    def _check(self, urn: str, type_: str, name: str, given: list[str]) -> CheckResult:
        spec = spec_of(type_)
        if spec is None:
            return CheckResult({}, known_type=False)
        added: dict[str, Any] = {}
        if spec.autoname is not None and spec.autoname not in given and f"{spec.autoname}Prefix" not in given:
            suffix = hashlib.sha256(urn.encode()).hexdigest()[:_SUFFIX_LENGTH]
            added[spec.autoname] = spec.autoname_form(f"{name}-{suffix}", given)
        return CheckResult(added, known_type=True)

    def _create(self, request: CreateRequest) -> CreateResult:

        self._prepare(request.region)
        missing = sorted(set(self._references.missing(request.urn, request.inputs)))
        if missing and not self._assume_existing:
            raise ReferenceNotFoundError(
                f"refers to {', '.join(missing)}, which nothing in this stack has made",
                "pass the output of the resource that makes it; name what exists already in the stack file",
            )
        self._made_up(missing)
        context = CreateContext(
            self._account, request.urn, request.type, request.name, request.region, request.inputs, request.tags
        )
        spec = spec_of(request.type)
        assert spec is not None, "the passes ask for types that `check` knows"
        try:
            result = create(spec, context)
        except RehearsalError as error:
            assumed = self._assume_existing and isinstance(error, AwsError) and error.not_there
            if not assumed and not _follows_from_gap(error, context, request.unknown):
                raise
            result = _not_made(error.message, context)
            self._account.blind_to.add(request.type)
        except Exception as error:  # noqa: BLE001 a fault of a spec is a gap of the rehearsal, not a mistake of the program's
            result = _not_made(f"{type(error).__name__}: {error}", context)
        if result.status == "emulated":
            # Declared as there, because other stacks name it; of this account it is.
            self._account.not_emulated -= {result.id, result.outputs.get("arn", result.id)}
        names = {key: value for key, value in request.inputs.items() if key in ("name", "bucket")}
        self._references.produced([result.id, result.outputs, names])
        return replace(result, existing=missing)

    def _made_up(self, values: Any) -> None:
        self._references.produced(values)
        self._account.not_emulated.update(texts(values))

    def _look_up(self, region: str, token: str, args: dict[str, Any]) -> tuple[dict[str, Any], list[RecordedCall]]:

        self._prepare(region)
        self._account.recorded()
        # What is drawn for one pass, such as a password, does not depend on what the other has asked meanwhile.
        call = f"{self._asker} {region} {token} {json.dumps(args, sort_keys=True, default=str)}"
        self._looked_up[call] += 1
        self._account.seed(f"{call} {self._looked_up[call]}")
        try:
            answer = look_up(self._account, region, token, args)
        except AwsError as error:
            if not (self._assume_existing and error.not_there):
                raise
            if token != _ZONE or "name" not in args or args.get("privateZone"):
                raise NoAnswerError(error.message) from error
            # Records are made in it, and certificates proved by them.
            request = {"Name": args["name"], "CallerReference": args["name"]}
            self._account.call("route53", "CreateHostedZone", region, request)
            self._assumed.add(args["name"])
            answer = look_up(self._account, region, token, args)
        except RehearsalError:
            raise
        except Exception as error:
            raise NoAnswerError(f"the look-up {token} failed: {type(error).__name__}: {error}") from error
        if token == _ZONE and args.get("name") in self._assumed:
            answer = {**answer, ASSUMED: f"a hosted zone {args['name']}"}
        self._references.produced(answer)
        return answer, self._account.recorded()

    def _prepare(self, region: str) -> None:
        """What exists already stands where the stack works: in the region that it uses first."""
        if self._stand_ins:
            identifiers, self._stand_ins = self._stand_ins, []
            stand_in(self._account, region, identifiers)

    def _read(self, identifier: str, properties: dict[str, Any]) -> None:
        if not self._references.has(identifier):
            # What refers to it is checked, and not asked of an account that does not have it.
            self._account.not_emulated.add(identifier)
        self._references.produced([identifier, properties])

    def _never_made(self) -> list[tuple[str, str]]:
        return [] if self._assume_existing else list(self._references.never_made())

    def _serve(self, port: int) -> str:
        opened = listener(port)
        self.open(opened)
        return address(opened)

    def open(self, sdk: socket.socket) -> None:
        """Answer there as AWS does, in a thread beside this one."""
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server  # noqa: PLC0415

        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        application: Any = DomainDispatcherApplication(create_backend_app)
        asked: Counter[str] = Counter()

        def answer(environment: dict[str, Any], start_response: Any) -> list[bytes]:
            said = b""
            if environment.get("CONTENT_LENGTH"):
                said = environment["wsgi.input"].read(int(environment["CONTENT_LENGTH"]))
                environment["wsgi.input"] = io.BytesIO(said)
            what = [environment.get(part, "") for part in _CALL]
            call = " ".join([*what, hashlib.sha256(said).hexdigest()])
            with self._one_at_a_time:
                # A service's first call would draw ids of the service's own.
                application.get_application(environment)
                # Ids do not depend on what else is going on; the same call again gives others.
                asked[call] += 1
                self._account.seed(f"{call} {asked[call]}")
                return [b"".join(application(environment, start_response))]

        port = sdk.getsockname()[1]
        server = make_server(
            LOOPBACK, port, answer, threaded=True, request_handler=MotoRequestHandler, fd=os.dup(sdk.fileno())
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()


_INCOMPLETE: Final = re.compile(
    r"lacks \w+, which AWS requires|\((?:Missing\w*|Validation\w*|Invalid(?:Parameter|Request)\w*)\)"
)


def _follows_from_gap(error: RehearsalError, context: CreateContext, unknown: tuple[str, ...]) -> bool:
    """Whether a refusal says no more than that the rehearsal left something out or made something up."""
    if isinstance(error, UnsupportedOperationError):
        return True
    if isinstance(error, RequestError | AwsError) and any(one in error.message for one in context.account.not_emulated):
        return True
    left_out = context.unmapped.paths or unknown
    return bool(left_out) and isinstance(error, RequestError | AwsError) and bool(_INCOMPLETE.search(error.message))


def _not_made(reason: str, context: CreateContext) -> CreateResult:
    return CreateResult(
        id="",
        outputs={},
        status="validated",
        left_out=[],
        reason=reason,
        unmapped=sorted(set(context.unmapped.paths)),
        failed=True,
    )
