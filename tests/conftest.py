"""The recorder: runs a program or a component under Pulumi's mocks, and keeps everything that it registers.

    def test_a_queue_is_encrypted_with_the_key(recorder: Recorder) -> None:
        recorder.run(lambda: Queue("wiki-dev-jobs", QueueArgs(consumer_timeout_seconds=30, key_arn=KEY)) and None)
        assert recorder.named("wiki-dev-jobs-queue").inputs["kmsMasterKeyId"] == KEY

`run` ends when all is registered, and raises what the program raises. Then `named`, `one` and `of` find what was
registered: its inputs as the engine gets them (camelCase), its parent, its options. `outputs` has what the program
exports, and the fixture `resolved` tells the value of any other output.

Nothing is created. Every resource gets an id and its inputs back, with what `computed` adds in AWS's place: where an
output that a component reads comes out as None, add it there. A resource that is given no name gets one as from the
provider, its own and a suffix. What look-ups answer is in `_Mocks.call`.

`previewer` records the same before anything exists: every id and computed output is unknown. Whether AWS would take
what was registered only a rehearsal knows (tests/rehearsal).
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as pulumi_config
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import reset_options
from pulumi.runtime.stack import Stack, run_pulumi_func

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = "123456789012"
REGION = "ap-northeast-1"
JOBS = ROOT / "tests" / "workloads" / "jobs"
PATIENCE = 600
"""For how many seconds a test waits for what must come. Only what hangs takes as long, on whatever machine."""


def pytest_configure() -> None:
    # A shell starts what runs in its background deaf to Ctrl-C, and so would be the commands that tests end by it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks by what a test uses and where it is, so that nobody has to set them by hand."""
    for item in items:
        if {"rehearse", "command"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("rehearsal")
        if JOBS in item.path.parents:
            item.add_marker("spark")


def pytest_unconfigure() -> None:
    # What `run` has frozen would not be taken down with the interpreter, and DuckDB would list 50 lines of it.
    gc.unfreeze()


@dataclass
class Registered:
    """One resource as it was registered."""

    type: str
    name: str
    inputs: dict[str, Any]
    urn: str
    parent: str
    """The parent's URN; empty for the stack's own children."""
    provider: str
    custom: bool
    protect: bool
    retained: bool
    """Whether a deletion leaves it where it is."""
    ignore_changes: list[str]
    replace_on_changes: list[str]
    deleted_first: bool
    """Whether a replacement is made when this one is gone."""
    dependencies: list[str]

    def policy(self, key: str = "policy") -> dict[str, Any]:
        """The policy document in one of the inputs."""
        return json.loads(self.inputs[key])


@dataclass
class Recorder:
    """Everything that was registered, looked up and exported in one run."""

    resources: list[Registered] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    preview: bool = False
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What other stacks export, for StackReference."""
    made: dict[tuple[str, str], tuple[str, dict[Any, Any]]] = field(default_factory=dict)
    """What exists, by type and name: its id and its outputs."""
    existing: Mapping[tuple[str, str], tuple[str, dict[Any, Any]]] = field(default_factory=dict)
    """What another run has made: for a preview of an update, which knows its outputs and no others."""
    parameters: dict[str, str] = field(default_factory=dict)
    """What parameters hold, where it is not what the program wrote."""
    images: list[str] = field(default_factory=list)
    """The tags in every repository."""
    zones: list[str] = field(default_factory=lambda: [f"{REGION}{letter}" for letter in "acd"])

    def run(self, program: Callable[[], Any]) -> Recorder:
        """Run `program` to the end; its error, if any, is raised here."""
        loop = asyncio.get_event_loop()
        loop.run_until_complete(run_pulumi_func(program))
        stack = pulumi.runtime.get_root_resource()
        assert isinstance(stack, Stack)
        known = pulumi.Output.from_input(stack.outputs)
        self.outputs = loop.run_until_complete(known.future(with_unknowns=True)) or {}
        return self

    def of(self, type_: str) -> list[Registered]:
        """Every resource whose type token ends like this, by name."""
        return sorted((each for each in self.resources if each.type.endswith(type_)), key=lambda each: each.name)

    def one(self, type_: str) -> Registered:
        """The only resource of a type."""
        found = self.of(type_)
        assert len(found) == 1, f"expected one {type_}, found {[each.name for each in found]}"
        return found[0]

    def named(self, name: str) -> Registered:
        """The only resource of a name."""
        found = [each for each in self.resources if each.name == name]
        assert len(found) == 1, f"expected one {name}, found {[each.name for each in self.resources]}"
        return found[0]

    def by_urn(self, urn: str) -> Registered:
        return next(each for each in self.resources if each.urn == urn)

    def outermost(self, resource: Registered) -> Registered:
        """The outermost component around a resource."""
        while resource.parent:
            resource = self.by_urn(resource.parent)
        return resource


def computed(type_: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS would add to a resource, as far as this program reads it."""
    short = type_.rsplit(":", 1)[-1]
    own = inputs.get("name") or f"{name}-1234567"
    extra: dict[str, Any] = {
        "name": own,
        "arn": f"arn:aws:{type_.split(':')[1].split('/')[0]}:{REGION}:{ACCOUNT}:{short}/{name}",
    }
    if short == "Bucket":
        extra = {
            "bucket": f"{name}-1234567",
            "arn": f"arn:aws:s3:::{name}-1234567",
            "bucketRegionalDomainName": f"{name}-1234567.s3.{REGION}.amazonaws.com",
        }
    if short == "ExpressGatewayService":
        extra = {"ingressPaths": [{"accessType": "PUBLIC", "endpoint": f"{name}.ecs.{REGION}.on.aws"}]}
    if short == "Service" and "apprunner" in type_:
        extra |= {"serviceId": "0123456789abcdef", "serviceUrl": f"x.{REGION}.awsapprunner.com"}
    if short in {"MetricAlarm", "InstanceProfile"}:
        extra["name"] = name
    if type_ == "aws:bedrock/guardrail:Guardrail":
        extra |= {"guardrailId": name, "guardrailArn": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/{name}"}
    if type_ == "aws:bedrock/guardrailVersion:GuardrailVersion":
        extra["version"] = "1"
    if type_ == "aws:rds/instance:Instance":
        extra |= {"address": f"{name}.rds", "endpoint": f"{name}.rds:5432"}
    if short == "Distribution":
        extra = {
            "arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/{name}",
            "domainName": f"{name}.cloudfront.net",
            "hostedZoneId": "Z2FDTNDATAQYW2",
        }
    if short == "Key":
        extra["keyId"] = f"{name}-key-id"
    if short == "Eip":
        extra |= {"publicIp": "203.0.113.10", "publicDns": "ec2-203-0-113-10.ap-northeast-1.compute.amazonaws.com"}
    if short == "VpcEndpoint":
        extra["prefixListId"] = f"pl-{name}"
    if "manageMasterUserPassword" in inputs:
        secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!{name}"
        extra["masterUserSecrets"] = [{"secretArn": secret, "kmsKeyId": "", "secretStatus": "active"}]
        extra |= {"endpoint": f"{name}.rds", "readerEndpoint": f"{name}.ro.rds", "address": f"{name}.rds"}
    if short == "ReplicationGroup":
        extra |= {"primaryEndpointAddress": f"{name}.cache", "readerEndpointAddress": f"{name}.ro.cache"}
        extra["configurationEndpointAddress"] = f"{name}.cfg.cache"
    if short in {"ParameterGroup", "ClusterParameterGroup", "Role", "SecurityConfiguration"}:
        extra["name"] = name
    if type_.startswith("aws:glue/"):
        extra["arn"] = f"arn:aws:glue:{REGION}:{ACCOUNT}:{short.lower()}/{own}"
    if type_ == "aws:cloudwatch/logGroup:LogGroup":
        extra["arn"] = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{own}"
    if type_ == "aws:amplify/app:App":
        extra["defaultDomain"] = f"{name}.amplifyapp.com"
    if short == "SubnetGroup":
        extra["name"] = name
    if type_ == "aws:lb/loadBalancer:LoadBalancer":
        extra |= {
            "arnSuffix": f"app/{name}/0123456789abcdef",
            "dnsName": f"{name}.{REGION}.elb.amazonaws.com",
            "zoneId": "Z14GRHDCWA56QT",
        }
    if type_ == "aws:route53/zone:Zone":
        extra |= {"zoneId": f"Z{name}", "nameServers": ["ns-1.example.org", "ns-2.example.org"]}
    if short == "KeySigningKey":
        extra["dsRecord"] = "12345 13 2 0123456789ABCDEF"
    if short == "Record":
        extra["fqdn"] = inputs["name"]
    if type_ == "aws:acm/certificate:Certificate":
        extra |= {
            "arn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{name}",
            "domainValidationOptions": _proofs(inputs),
        }
    if type_ == "aws:sqs/queue:Queue":
        extra["url"] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{own}"
        extra["arn"] = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{own}"
    if type_ == "aws:dynamodb/table:Table":
        extra["arn"] = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{own}"
        extra["streamArn"] = f"{extra['arn']}/stream/2026-01-01T00:00:00.000"
    if short == "Repository":
        extra["repositoryUrl"] = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{own}"
    if type_ == "aws:apigatewayv2/api:Api":
        scheme = "wss" if inputs["protocolType"] == "WEBSOCKET" else "https"
        extra |= {
            "apiEndpoint": f"{scheme}://{name}.execute-api.{REGION}.amazonaws.com",
            "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{name}",
        }
    if type_ == "aws:apigateway/restApi:RestApi":
        extra |= {
            "rootResourceId": f"{name}-root",
            "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{name}",
        }
    if type_ == "aws:apigateway/stage:Stage":
        extra["invokeUrl"] = f"https://{inputs['restApi']}.execute-api.{REGION}.amazonaws.com/{inputs['stageName']}"
    if type_ == "aws:apigatewayv2/domainName:DomainName":
        named = {"targetDomainName": "d-1.execute-api.amazonaws.com", "hostedZoneId": "ZGATEWAY"}
        inputs = {**inputs, "domainNameConfiguration": {**inputs["domainNameConfiguration"], **named}}
    if type_ == "aws:apigateway/domainName:DomainName":
        extra |= {"regionalDomainName": "d-1.execute-api.amazonaws.com", "regionalZoneId": "ZGATEWAY"}
    if short == "ServerlessCollection":
        extra |= {
            "arn": f"arn:aws:aoss:{REGION}:{ACCOUNT}:collection/{name}-id",
            "collectionEndpoint": f"https://{name}.{REGION}.aoss.amazonaws.com",
        }
    if short == "AgentKnowledgeBase":
        extra["arn"] = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:knowledge-base/{name}"
    if short == "AgentDataSource":
        extra["dataSourceId"] = f"{name}-source-id"
    if short == "TargetGroup":
        extra["arnSuffix"] = f"targetgroup/{name}/0123456789abcdef"
    if short == "ListenerRule":
        extra["arn"] = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener-rule/app/web/1/2/{name}"
    if type_ == "aws:lambda/function:Function":
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{own}"
        extra |= {"arn": arn, "version": "1", "invokeArn": f"invoke/{arn}"}
    if type_ == "aws:lambda/alias:Alias":
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{inputs['functionName']}:{inputs['name']}"
        extra |= {"arn": arn, "invokeArn": f"invoke/{arn}"}
    return {**extra, **inputs}


def _zone_of(subnet: str) -> str:
    """A subnet called `…-2` or `…-2-id` is in the second zone."""
    number = next((part for part in subnet.split("-") if part.isdigit()), "1")
    return f"{REGION}{'acd'[int(number) - 1]}"


def _proofs(inputs: Mapping[str, Any]) -> list[dict[str, str]]:
    """The records that a certificate asks for: one for a domain and its wildcard together, named twice."""
    return [
        {
            "domainName": domain,
            "resourceRecordName": f"_proof.{domain.removeprefix('*.')}.",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": "_proof.acm-validations.aws.",
        }
        for domain in [inputs["domainName"], *inputs.get("subjectAlternativeNames", [])]
    ]


class _Mocks(mocks.Mocks):
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            outputs = self.recorder.stacks[args.inputs["name"]]
            return args.inputs["name"], {**args.inputs, "outputs": outputs, "secretOutputNames": []}
        if self.recorder.preview:
            return self.recorder.existing.get((args.typ, args.name), ("", dict(args.inputs)))
        made = f"{args.name}-id", computed(args.typ, args.name, args.inputs)
        self.recorder.made[args.typ, args.name] = made
        return made

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        self.recorder.calls.append(args.token)
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
            "aws:secretsmanager/getSecretVersion:getSecretVersion": {"secretString": "a-token", "arn": "arn"},
            "aws:index/getPartition:getPartition": {"partition": "aws"},
            "aws:index/getRegion:getRegion": {"region": REGION},
            "aws:index/getAvailabilityZones:getAvailabilityZones": {"names": self.recorder.zones},
            "aws:secretsmanager/getRandomPassword:getRandomPassword": {"randomPassword": "r4nd0m"},
            "aws:ssm/getParameter:getParameter": {"insecureValue": self._parameter(args.args.get("name", ""))},
            "aws:ecr/getImages:getImages": {
                "imageIds": [{"imageTag": tag, "imageDigest": "sha256:0"} for tag in self.recorder.images]
            },
            "aws:ec2/getSubnet:getSubnet": {"availabilityZone": _zone_of(args.args.get("id", ""))},
            "aws:ec2/getManagedPrefixList:getManagedPrefixList": {"id": f"pl-{args.args.get('name')}"},
        }
        return answers[args.token], []

    def _parameter(self, name: str) -> str:
        written = {
            one.inputs.get("name"): one.inputs.get("insecureValue")
            for one in self.recorder.of("ssm/parameter:Parameter")
        }
        return {**written, **self.recorder.parameters}.get(name) or "ami-0123456789abcdef0"


class _Monitor(mocks.MockMonitor):
    """Keeps what the stock mocks do not tell: parents, providers, options."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(_Mocks(recorder))
        self.recorder = recorder

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the name of the gRPC method
        response = super().RegisterResource(request)
        if request.type == "pulumi:pulumi:Stack":
            return response
        inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
        assert inputs is not None
        self.recorder.resources.append(
            Registered(
                type=request.type,
                name=request.name,
                inputs=inputs,
                urn=response.urn,
                parent="" if _is_stack(request.parent) else request.parent,
                provider=request.provider,
                custom=request.custom,
                protect=request.protect,
                retained=request.retainOnDelete,
                ignore_changes=list(request.ignoreChanges),
                replace_on_changes=list(request.replaceOnChanges),
                deleted_first=request.deleteBeforeReplace,
                dependencies=list(request.dependencies),
            )
        )
        return response


def _is_stack(urn: str) -> bool:
    return urn == "" or urn.split("::")[2] == "pulumi:pulumi:Stack"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A run of its own: one event loop, and nothing left over from or for another test."""
    with run(preview=False) as made:
        yield made


@pytest.fixture
def previewer() -> Iterator[Recorder]:
    """As `recorder`, before anything exists: every id and computed output is unknown."""
    with run(preview=True) as made:
        yield made


@contextmanager
def run(*, preview: bool, stack: str = "dev", root_directory: Path | None = None) -> Iterator[Recorder]:
    """As the fixtures, for a test that needs one run after another.

    :param root_directory: Where the project's stack files are; None: the program sees none.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder(preview=preview)
    folder = str(root_directory) if root_directory else None
    reset_options(project="kumiki", stack=stack, preview=preview, root_directory=folder)
    mocks.set_mocks(
        _Mocks(recorder), project="kumiki", stack=stack, preview=preview, monitor=_Monitor(recorder), organization="o"
    )
    pulumi.runtime.set_all_config({}, [])
    try:
        yield recorder
    finally:
        pulumi_config.CONFIG.set({})
        pulumi_config._SECRET_KEYS.set(set())  # noqa: SLF001 there is no public way to forget them
        reset_options(project="kumiki", stack="dev")
        # Tasks that a failed run left behind say so when they are collected; the test has spoken already.
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        asyncio.set_event_loop(None)
        gc.collect()
        # What is left stays for the whole run (modules, schemas): not to be looked through after every test.
        gc.freeze()


@pytest.fixture
def resolved(recorder: Recorder) -> Callable[[pulumi.Output[Any]], Any]:
    """The value of an output, once the program has run."""

    def value(output: pulumi.Output[Any]) -> Any:
        return asyncio.get_event_loop().run_until_complete(output.future())

    del recorder
    return value
