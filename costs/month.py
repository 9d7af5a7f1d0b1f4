"""What a month of a stack without servers costs: what it is called for, and what it has.

Calls, data and the time that a call takes are the stack's own expectation; the rest is read off its resources. Each
line knows the list price, and what is left of it in an account that has nothing else: some of every month is free for
ever. What has no line is free or not known here; a bill of everything would need every price of AWS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fnmatch import fnmatchcase
from typing import Any, Final

from costs.free_tier import limits
from costs.prices import HOURS_PER_MONTH, cents, keys_of_prices, price
from costs.resources import FREE_DASHBOARD_METRICS, Resources

_MILLION = Decimal(1_000_000)
_NONE = Decimal(0)

_APIS: Final = {"HTTP": "apigw.http.requests", "WEBSOCKET": "apigw.websocket.messages"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a service asks for."""

    service: str
    what: str
    list_usd: Decimal
    usd: Decimal
    """Beyond what is free for ever."""


@dataclass(frozen=True, kw_only=True)
class Month:
    """The lines of a month in one region."""

    region: str
    lines: tuple[Line, ...]

    @property
    def list_usd(self) -> Decimal:
        return sum((line.list_usd for line in self.lines), _NONE)

    @property
    def usd(self) -> Decimal:
        return sum((line.usd for line in self.lines), _NONE)


def month(resources: Iterable[Mapping[str, Any]], region: str, expected: Mapping[str, Any]) -> Month:
    """A month of `resources` (of the rehearsal's report), of which `expected` says how much passes through them.

    `UnpricedRegion` where a price is not known.
    """
    made = Resources(resources, expected, region)
    lines = []
    for part in _PARTS:
        for used in part(made):
            each = price(used.price_key, region).usd if used.quantity else _NONE
            lines.append(
                Line(
                    service=used.service,
                    what=used.what,
                    list_usd=cents(used.quantity * each),
                    usd=cents(max(used.quantity - used.free, _NONE) * each),
                )
            )
    return Month(region=region, lines=tuple(line for line in lines if line.list_usd))


@dataclass(frozen=True, kw_only=True)
class _Used:
    """How much of something that has a price."""

    service: str
    what: str
    price_key: str
    quantity: Decimal
    free: Decimal = _NONE


def _functions(made: Resources) -> Iterator[_Used]:
    """Each call as if it came to the largest function; most stacks have one that is called by people."""
    functions = made.of("lambda/function:Function")
    if not functions:
        return
    largest = max(functions, key=lambda one: one.get("memorySize") or 128)
    machine = "arm" if "arm64" in (largest.get("architectures") or []) else "x86"
    gib = _number(largest, "memorySize", 128) / 1024
    calls = made.expects("functionCalls")
    seconds = calls * made.expects("functionMilliseconds") / 1000
    yield _Used(
        service="Lambda",
        what="calls",
        price_key=f"lambda.{machine}.requests",
        quantity=calls / _MILLION,
        free=_free("lambda.requests") / _MILLION,
    )
    yield _Used(
        service="Lambda",
        what="time of calls",
        price_key=f"lambda.{machine}.gb_second",
        quantity=seconds * gib,
        free=_free("lambda.duration"),
    )
    kept = made.of("lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
    copies = sum((_number(one, "provisionedConcurrentExecutions") for one in kept), _NONE)
    yield _Used(
        service="Lambda",
        what="copies kept started",
        price_key=f"lambda.{machine}.provisioned_concurrency_gb_second",
        quantity=copies * gib * HOURS_PER_MONTH * 3600,
    )


def _apis(made: Resources) -> Iterator[_Used]:
    """Each call as if it came by the dearest API: which of several is asked, nobody says."""
    kinds = {_APIS[one.get("protocolType") or "HTTP"] for one in made.of("apigatewayv2/api:Api")}
    if made.of("apigateway/restApi:RestApi"):
        kinds.add("apigw.rest.requests")
    for kind in ("apigw.rest.requests", "apigw.http.requests", "apigw.websocket.messages"):
        if kind in kinds:
            calls = made.expects("functionCalls") / _MILLION
            yield _Used(service="API Gateway", what="requests", price_key=kind, quantity=calls)
            return


def _buckets(made: Resources) -> Iterator[_Used]:
    if made.of("s3/bucket:Bucket"):
        stored = made.expects("storageGb")
        yield _Used(service="S3", what="storage", price_key="s3.standard.gb_month", quantity=stored)


def _tables(made: Resources) -> Iterator[_Used]:
    tables = made.of("dynamodb/table:Table")
    if not tables:
        return
    provisioned = [table for table in tables if table.get("billingMode") == "PROVISIONED"]
    reserved = [part for table in provisioned for part in (table, *(table.get("globalSecondaryIndexes") or []))]
    for what, key, unit in (("writing", "writeCapacity", "wcu"), ("reading", "readCapacity", "rcu")):
        yield _Used(
            service="DynamoDB",
            what=f"capacity for {what}",
            price_key=f"dynamodb.provisioned.{unit}_hour",
            quantity=sum((_number(one, key) for one in reserved), _NONE) * HOURS_PER_MONTH,
            free=_free(f"dynamodb.{unit}") * HOURS_PER_MONTH,
        )
    if len(provisioned) < len(tables):
        for what, key, unit in (("writes", "tableWrites", "write"), ("reads", "tableReads", "read")):
            asked = made.expects(key) / _MILLION
            yield _Used(service="DynamoDB", what=what, price_key=f"dynamodb.on_demand.{unit}_units", quantity=asked)
    stored = made.expects("tableGb")
    yield _Used(
        service="DynamoDB",
        what="storage",
        price_key="dynamodb.storage_gb_month",
        quantity=stored,
        free=_free("dynamodb.storage"),
    )
    yield from _copies_of_tables(made, tables, stored)


def _copies_of_tables(made: Resources, tables: Sequence[Mapping[str, Any]], stored: Decimal) -> Iterator[_Used]:
    if any((table.get("pointInTimeRecovery") or {}).get("enabled") for table in tables):
        yield _Used(
            service="Recovery", what="of tables to any second", price_key="dynamodb.pitr_gb_month", quantity=stored
        )
    kept = sum(
        (_kept(rule) for plan in made.of("backup/plan:Plan") for rule in plan.get("rules") or []),
        _NONE,
    )
    # Each copy of a table is a whole one.
    yield _Used(
        service="Recovery", what="copies of tables", price_key="dynamodb.backup_gb_month", quantity=kept * stored
    )


def _kept(rule: Mapping[str, Any]) -> Decimal:
    """How many copies of a plan's rule there are at a time: one a day, or one a week if it names the day."""
    days = _number(rule.get("lifecycle") or {}, "deleteAfter")
    fields = str(rule.get("schedule") or "").removeprefix("cron(").removesuffix(")").split()
    weekly = len(fields) == 6 and fields[4] not in ("*", "?")
    return (days / (7 if weekly else 1)).to_integral_value(ROUND_CEILING)


def _models(made: Resources) -> Iterator[_Used]:
    """Each token as if the dearest model that a role may ask read or wrote it: which of several is asked, nobody says.
    Who may ask is the only resource of a model."""
    asked = {
        found
        for policy in made.of("iam/rolePolicy:RolePolicy")
        for found in re.findall(r"foundation-model/([\w.:-]+)", str(policy.get("policy")))
    }
    for what, kind, expected in (
        ("tokens read", "input", "modelInputTokens"),
        ("tokens written", "output", "modelOutputTokens"),
        ("tokens embedded", "embedding", "embeddedTokens"),
    ):
        keys = {f"bedrock.{model}.{kind}" for model in asked} & keys_of_prices()
        if keys:
            dearest = max(keys, key=lambda key: price(key, made.region).usd)
            yield _Used(service="Bedrock", what=what, price_key=dearest, quantity=made.expects(expected) / _MILLION)


def _watch(made: Resources) -> Iterator[_Used]:
    small, large = made.dashboards()
    yield _Used(
        service="CloudWatch",
        what=f"dashboards of more than {FREE_DASHBOARD_METRICS} metrics",
        price_key="cloudwatch.dashboard_month",
        quantity=large,
    )
    for what, key, quantity in (
        ("alarms", "alarm.standard_month", made.alarms()),
        ("metrics", "metrics.month", made.metrics()),
        ("dashboards", "dashboard_month", small),
        ("logs", "logs.ingest_gb", made.expects("logsGb")),
    ):
        yield _Used(
            service="CloudWatch",
            what=what,
            price_key=f"cloudwatch.{key}",
            quantity=quantity,
            free=_free(f"cloudwatch.{what}"),
        )


def _by_the_month(made: Resources) -> Iterator[_Used]:
    rules = sum(len(acl.get("rules") or []) for acl in made.of("wafv2/webAcl:WebAcl"))
    for service, what, key, quantity in (
        ("Route 53", "zones", "route53.zone_month", made.count("route53/zone:Zone")),
        ("Secrets Manager", "secrets", "secretsmanager.secret_month", made.count("secretsmanager/secret:Secret")),
        ("KMS", "keys", "kms.key_month", made.count("kms/key:Key")),
        ("WAF", "lists", "waf.web_acl_month", made.count("wafv2/webAcl:WebAcl")),
        ("WAF", "rules", "waf.rule_month", Decimal(rules)),
    ):
        yield _Used(service=service, what=what, price_key=key, quantity=quantity)


def _search(made: Resources) -> Iterator[_Used]:
    """What of a collection is always paid, whoever asks: half a unit for indexing and half a one for searching, each
    twice with standby replicas, shared by all under one key; in a group what it says. What a load needs more is not
    here. https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scaling.html"""
    collections = made.of("opensearch/serverlessCollection:ServerlessCollection")
    shared = {
        _key_of(one, made): one.get("standbyReplicas") != "DISABLED"
        for one in sorted(collections, key=lambda one: one.get("standbyReplicas") != "DISABLED")
        if not one.get("collectionGroupName")
    }
    units = sum((Decimal(2) if twice else Decimal(1) for twice in shared.values()), _NONE)
    for group in made.of("opensearch/serverlessCollectionGroup:ServerlessCollectionGroup"):
        for most in group.get("capacityLimits") or []:
            units += _number(most, "minIndexingCapacityInOcu") + _number(most, "minSearchCapacityInOcu")
    yield _Used(
        service="OpenSearch",
        what="least capacity",
        price_key="opensearch.serverless.ocu_hour",
        quantity=units * HOURS_PER_MONTH,
    )
    zones = sum(
        len(one.get("subnetIds") or []) for one in made.of("opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint")
    )
    yield _Used(
        service="OpenSearch",
        what="endpoint",
        price_key="vpc.endpoint.interface_hour",
        quantity=zones * HOURS_PER_MONTH,
    )


def _key_of(collection: Mapping[str, Any], made: Resources) -> str:
    """What encrypts a collection; empty where AWS keeps it."""
    covered = f"collection/{collection.get('name')}"
    for policy in made.of("opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy"):
        if policy.get("type") == "encryption":
            said = json.loads(policy["policy"])
            patterns = [one for rule in said["Rules"] for one in rule["Resource"]]
            if any(fnmatchcase(covered, pattern) for pattern in patterns):
                return str(said.get("KmsARN") or "")
    return ""


_PARTS: Final[tuple[Callable[[Resources], Iterable[_Used]], ...]] = (
    _functions,
    _apis,
    _buckets,
    _tables,
    _models,
    _watch,
    _by_the_month,
    _search,
)


def _number(inputs: Mapping[str, Any], key: str, otherwise: int = 0) -> Decimal:
    return Decimal(str(inputs.get(key) or otherwise))


def _free(key: str) -> Decimal:
    """What is free of it every month, for ever."""
    return limits()[key].free
