"""The stand-in for Pulumi's AWS provider: the protocol of the engine on one side, the emulated account on the other.

It creates, looks up and names as a rehearsal does. Beyond that it says what forces a replacement by the facts of
`changes`, finds what changed in the account, and changes and deletes there what the emulator can. What it cannot is
said, and kept in the state alone.
https://www.pulumi.com/docs/iac/guides/building-extending/providers/implementers/
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import grpc
import pulumi_aws
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from changes.compare import compare
from changes.model import Resource, Side
from engine.kept import InProcess
from engine.marks import NAME
from rehearsal import made_up, sdk
from rehearsal.cloud.upkeep import NotReadableError, Thing, told
from rehearsal.marks import NOT_KNOWN
from rehearsal.monitor import Deploying, Previewing, Registered, complete, default_tags, plain_tags
from rehearsal.problems import ASSUMED, NOTE, NoAnswerError, RehearsalError, SettingsError
from rehearsal.property_values import UNKNOWN, decode, encode, has_secret, plain
from rehearsal.stacks import Stack

T = TypeVar("T")
PropertyDiff = provider_pb2.PropertyDiff

_VERSION: Final = importlib.metadata.version("pulumi_aws")
_DEFAULTED: Final = "__defaults"
"""The input under which a provider keeps the names of those that it filled in."""
_DRAWN: Final = re.compile(r"[0-9a-fA-F]{8}")
"""In every text that was made up. Others exist for real, such as a region: what refers to them is no reference here."""
_loading: Final = threading.Lock()


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One provider of one command of the engine, with the configuration that it gets."""

    def __init__(self, cloud: InProcess, stack: Stack, engine: str, said: list[str], counted: Counter[str]) -> None:
        self._cloud = cloud
        self._declared = stack.declared
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine)) if engine else None
        self._said = said
        self._counted = counted
        # As from AWS_REGION, where the provider is told of none: what a person imports is where the stack is.
        self._region = stack.region or "us-east-1"
        self._tags: dict[str, str] = {}

    # What the engine asks of every provider.

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 the protocol's names
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return plugin_pb2.PluginInfo(version=_VERSION)

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Names and versions only: programs bring the SDK."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": _VERSION}))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """A provider of another region is another provider, and all that it made with it."""
        olds, news = decode(request.old_inputs), decode(request.news)
        changed = sorted(key for key in {*olds, *news} - {"version", "__internal"} if olds.get(key) != news.get(key))
        return _diff({key: key == "region" for key in changed}, olds, news, first=False)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        config = plain(decode(request.args))
        region = config.get("region")
        self._region = region if isinstance(region, str) else self._region
        self._tags = default_tags(config.get("defaultTags"))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # Resources.

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        def check() -> Any:
            if not _known(request.type):
                return _failed(f"the SDK has no type {request.type}")
            inputs, olds = decode(request.news), decode(request.olds)
            try:
                complete(request.type, inputs, self._tags)
            except RehearsalError as error:
                return _failed(_text(error))
            added = self._names(request, inputs, olds)
            defaulted = {_DEFAULTED: sorted(added)} if added else {}
            return provider_pb2.CheckResponse(inputs=encode({**inputs, **added, **defaulted}))

        return self._told(context, check)

    def _names(self, request: Any, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> dict[str, Any]:
        """The names that the provider makes; those that it made before stay."""
        seed = request.urn
        if not olds and self._cloud.ask("made_before", request.urn):
            # The new one of a replacement is there beside the old one.
            seed = f"{request.urn} {request.randomSeed.hex()}"
        resource = self._resource(seed, request.type, request.name, inputs)
        return {key: olds.get(key, value) for key, value in Previewing(self._cloud).check(resource).items()}

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._told(context, lambda: self._difference(request))

    def _difference(self, request: Any) -> Any:
        self._require(request)
        olds, news = decode(request.old_inputs), decode(request.news)
        old, new = (
            Resource(
                request.urn,
                request.type,
                request.name,
                custom=True,
                id=request.id,
                inputs=_said(inputs),
                outputs=_said(decode(request.olds)) if inputs is olds else {},
                ignore_changes=tuple(request.ignoreChanges),
                defaulted=frozenset(plain(inputs.get(_DEFAULTED)) or ()),
            )
            for inputs in (olds, news)
        )
        sides = [Side("", "", "", {request.urn: one}) for one in (old, new)]
        found = compare(*sides)
        properties = [one for change in found for one in change.properties]
        uncertain = sorted(one.path for one in properties if one.effect in ("may-replace", "unknown"))
        if uncertain:
            self._say(request.urn, f"the real provider may replace it because of {', '.join(uncertain)}")
        changed = {one.path: one.effect == "replace" for one in properties}
        kept = {key for key in ("name", "bucket", "identifier", "family") if key in news and key not in changed}
        first = bool(kept - set(news.get(_DEFAULTED) or ()))
        return _diff(changed, olds, news, first=first)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        def create() -> Any:
            inputs = decode(request.properties)
            resource = self._resource(request.urn, request.type, request.name, inputs)
            if request.preview:
                outputs = Previewing(self._cloud).create(resource, inputs, {}, ()).outputs
                return provider_pb2.CreateResponse(properties=encode({**inputs, **outputs}))
            identifier, outputs = self._create(resource)
            return provider_pb2.CreateResponse(id=identifier, properties=encode(outputs))

        return self._told(context, create)

    def _create(self, resource: Registered) -> tuple[str, dict[str, Any]]:
        tags = plain_tags(resource.inputs.get("tagsAll")) or plain_tags(resource.inputs.get("tags"))
        deploying = Deploying(self._cloud)
        deploying.check(resource)
        outcome = deploying.create(resource, _given(resource.inputs), tags, ())
        self._counted["validated only" if outcome.status == "validated" else outcome.status] += 1
        outputs = self._known(resource, outcome.id, outcome.outputs)
        self._cloud.ask("keep", _thing(resource, outcome.id, outputs), outcome.status == "emulated")
        return outcome.id, outputs

    def _known(self, resource: Registered, identifier: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs as a state has them: without what only AWS could tell, but for ids, ARNs, addresses and names in
        the form of AWS's, since programs refer by them."""
        unknown = [name for name, value in outputs.items() if value is UNKNOWN]
        made = made_up.values(resource.type, unknown, f"{resource.urn} {identifier}", resource.region)
        invented = {name: value for name, value in made.items() if isinstance(value, str) and _DRAWN.search(value)}
        self._cloud.made_up(list(invented.values()))
        outputs = {name: value for name, value in outputs.items() if value is not UNKNOWN}
        computed = {**outputs, **invented}
        return {
            **resource.inputs,
            **{key: value for key, value in computed.items() if not has_secret(resource.inputs.get(key))},
        }

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._told(context, lambda: self._read(request))

    def _read(self, request: Any) -> Any:
        inputs, properties = decode(request.inputs), decode(request.properties)
        if not inputs:
            return self._import(request, properties)
        self._require(request)
        thing = _thing(self._resource(request.urn, request.type, request.name, inputs), request.id, properties)
        try:
            drift = self._cloud.ask("drift", thing)
        except NotReadableError:
            self._counted["not read"] += 1
            return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        self._counted["read"] += 1
        if drift is None:
            self._say(request.urn, "is gone from the account")
            return provider_pb2.ReadResponse()
        found, untold = drift
        if found:
            self._say(request.urn, f"is otherwise in the account: {', '.join(sorted(found))}")
        if untold:
            self._say(request.urn, f"is otherwise in the account, in another form: {', '.join(untold)}")
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=encode({**properties, **found}),
            inputs=encode({key: value for key, value in {**inputs, **found}.items() if value is not None}),
        )

    def _import(self, request: Any, properties: dict[str, Any]) -> Any:
        """A resource that the program reads, or that somebody imports: it is in the account, or taken as existing."""
        known = _known(request.type)
        resource = self._resource(request.urn, request.type, request.name, properties)
        thing = _thing(resource, request.id, properties)
        try:
            answer = self._cloud.ask("look", thing)
        except NotReadableError:
            answer = {}
            self._say(request.urn, "cannot be asked for in the emulated account and is taken as existing")
        if answer is None or not known:
            return provider_pb2.ReadResponse()
        always, optional = sdk.output_names(request.type)
        found = {**told(request.type, always | optional, answer), **properties}
        self._cloud.read(request.id, plain(found))
        self._cloud.ask("keep", thing)
        inputs = {key: value for key, value in found.items() if key in sdk.input_names(request.type)}
        return provider_pb2.ReadResponse(id=request.id, properties=encode(found), inputs=encode(inputs))

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._told(context, lambda: self._update(request))

    def _update(self, request: Any) -> Any:
        self._require(request)
        old, new, olds = decode(request.old_inputs), decode(request.news), decode(request.olds)
        outputs = {**{key: value for key, value in olds.items() if key not in old}, **new}
        if not request.preview:
            resource = self._resource(request.urn, request.type, request.name, new)
            thing = _thing(resource, request.id, outputs)
            tags = [plain_tags(one.get("tagsAll")) or plain_tags(one.get("tags")) for one in (new, old)]
            left = self._cloud.ask("change", thing, _given(old), *tags)
            self._counted["in the state only" if left else "updated"] += 1
            if left:
                self._say(request.urn, f"updated in the state only: {', '.join(left)}")
        return provider_pb2.UpdateResponse(properties=encode(outputs))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        def delete() -> Any:
            self._require(request)
            inputs = decode(request.old_inputs) or decode(request.properties)
            resource = self._resource(request.urn, request.type, request.name, inputs)
            done = self._cloud.ask("delete", _thing(resource, request.id, decode(request.properties)))
            self._counted["deleted" if done else "deleted from the state only"] += 1
            return empty_pb2.Empty()

        return self._told(context, delete)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        def invoke() -> Any:
            args = plain(decode(request.args))
            region = args.get("region")
            try:
                answer = self._answer(region if isinstance(region, str) else self._region, request.tok, args)
            except RehearsalError as error:
                return provider_pb2.InvokeResponse(failures=[provider_pb2.CheckFailure(reason=_text(error))])
            # `return` is a word of Python's, so it cannot be written as a keyword.
            result: dict[str, Any] = {"return": encode(answer)}
            return provider_pb2.InvokeResponse(**result)

        return self._told(context, invoke)

    def _answer(self, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
        declared = self._declared.answer(token, args)
        if declared is not None:
            return {**made_up.answer(token, args, region), **declared}
        try:
            answer = self._cloud.look_up(region, token, args)
        except NoAnswerError:
            self._say("", f"has no answer to {token} and made one up")
            answer = made_up.answer(token, args, region)
            self._cloud.made_up(answer)
        return {key: value for key, value in answer.items() if key not in (NOTE, ASSUMED)}

    # What they have in common.

    def _resource(self, urn: str, type_: str, name: str, inputs: Mapping[str, Any]) -> Registered:
        _known(type_)
        own = plain(dict(inputs)).get("region")
        return Registered(
            urn=urn,
            type=type_,
            name=name or urn.rpartition("::")[2],
            parent="",
            custom=True,
            inputs={key: value for key, value in inputs.items() if key != _DEFAULTED},
            region=own if isinstance(own, str) else self._region,
        )

    def _require(self, request: Any) -> None:
        """Refuse what a state says of another account."""
        type_ = request.type or request.urn.split("::")[2].rpartition("$")[2]
        if not self._cloud.ask("has", type_, request.id):
            raise SettingsError(
                f"the state has {type_} {request.id}, which this account never had: it is another account's",
                "begin with a backend of your own for this account",
            )

    def _told(self, context: Any, act: Callable[[], T]) -> T:
        """What `act` gives; its failure is the resource's, and says who speaks."""
        try:
            return act()
        except RehearsalError as error:
            message = _text(error)
        except Exception as error:  # noqa: BLE001 a fault here belongs to the resource too, and must not end the process
            message = f"failed itself: {type(error).__name__}: {error}\n{traceback.format_exc()}"
        return context.abort(grpc.StatusCode.UNKNOWN, f"{NAME}: {message}")

    def _say(self, urn: str, message: str) -> None:
        """Into the diagnostics of the engine, and to the run."""
        self._said.append(f"{urn.rpartition('::')[2]} {message}".strip())
        if self._engine is not None:
            request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=f"{NAME}: {message}", urn=urn)
            # The engine may be at its end; what is said is with the run all the same.
            self._engine.Log.future(request)


def _known(type_: str) -> bool:
    """Whether the SDK has the type; its module is loaded."""
    if sdk.resource_class(type_) is None and type_.count(":") == 2:
        assert pulumi_aws
        with _loading:
            for registered in rpc._RESOURCE_MODULES.get(type_.rpartition(":")[0], []):  # noqa: SLF001 the only index by token
                info = getattr(registered, "mod_info", None)
                if info and type_ in info["classes"]:
                    getattr(importlib.import_module(info["fqn"]), info["classes"][type_])
            sdk.resource_class.cache_clear()
    return sdk.resource_class(type_) is not None


def _thing(resource: Registered, identifier: str, outputs: Mapping[str, Any]) -> Thing:
    own = {key: value for key, value in plain(dict(outputs)).items() if not key.startswith("__")}
    return Thing(resource.urn, resource.type, resource.name, identifier, resource.region, _given(resource.inputs), own)


def _given(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as requests take them."""
    return {key: value for key, value in plain(dict(inputs)).items() if key != "tagsAll" and not key.startswith("__")}


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Properties as comparisons take them: what is not known differs from all that is."""

    def of(value: Any) -> Any:
        if value is UNKNOWN:
            return NOT_KNOWN
        if isinstance(value, dict):
            return {key: of(one) for key, one in value.items() if key != _DEFAULTED}
        return [of(one) for one in value] if isinstance(value, list) else value

    return of(plain(dict(values)))


def _diff(changed: Mapping[str, bool], olds: Mapping[str, Any], news: Mapping[str, Any], *, first: bool) -> Any:
    """`changed` says of each path whether it replaces; `first` that the old one has to go before."""
    detailed = {}
    for path, replaces in changed.items():
        kind = PropertyDiff.UPDATE_REPLACE if replaces else PropertyDiff.UPDATE
        if path in news and path not in olds:
            kind = PropertyDiff.ADD_REPLACE if replaces else PropertyDiff.ADD
        elif path in olds and path not in news:
            kind = PropertyDiff.DELETE_REPLACE if replaces else PropertyDiff.DELETE
        detailed[path] = PropertyDiff(kind=kind, inputDiff=True)
    replaced = [path for path, replaces in changed.items() if replaces]
    some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some,
        diffs=sorted({path.partition(".")[0].partition("[")[0] for path in changed}),
        replaces=sorted({path.partition(".")[0].partition("[")[0] for path in replaced}),
        deleteBeforeReplace=bool(replaced) and first,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _failed(reason: str) -> Any:
    return provider_pb2.CheckResponse(failures=[provider_pb2.CheckFailure(reason=f"{NAME}: {reason}")])


def _text(error: RehearsalError) -> str:
    return f"{error.message}; {error.remedy}" if error.remedy else error.message
