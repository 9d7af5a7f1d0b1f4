"""A month's bill: what is counted, at which price, and what of it is free for ever."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from costs import Month, UnpricedRegion, month

TOKYO = "ap-northeast-1"


def one(type_: str, **inputs: Any) -> dict[str, Any]:
    return {"type": f"aws:{type_}", "inputs": inputs}


def line(bill: Month, service: str, what: str) -> tuple[Decimal, Decimal]:
    """The list price, and what is due of it."""
    [found] = [each for each in bill.lines if (each.service, each.what) == (service, what)]
    return found.list_usd, found.usd


FUNCTION = one("lambda/function:Function", memorySize=1024, architectures=["arm64"])
HTTP = one("apigatewayv2/api:Api", protocolType="HTTP")


def test_calls_cost_by_their_number_and_their_time_and_the_first_million_is_free() -> None:
    bill = month([FUNCTION], TOKYO, {"functionCalls": 3_000_000, "functionMilliseconds": 200})
    assert line(bill, "Lambda", "calls") == (Decimal("0.60"), Decimal("0.40"))
    # 600,000 GB-seconds, of which 400,000 are free.
    assert line(bill, "Lambda", "time of calls") == (Decimal("8.00"), Decimal("2.67"))
    larger = month([FUNCTION, one("lambda/function:Function", memorySize=2048, architectures=["x86_64"])], TOKYO,
                   {"functionCalls": 3_000_000, "functionMilliseconds": 200})  # fmt: skip
    assert line(larger, "Lambda", "time of calls")[0] == Decimal("20.00")


def test_copies_that_are_kept_started_cost_while_nobody_calls() -> None:
    copies = one("lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig", provisionedConcurrentExecutions=2)
    assert line(month([FUNCTION, copies], TOKYO, {}), "Lambda", "copies kept started")[1] == Decimal("22.64")


def test_requests_cost_by_the_dearest_kind_of_api() -> None:
    calls = {"functionCalls": 1_000_000}
    assert line(month([HTTP], TOKYO, calls), "API Gateway", "requests")[1] == Decimal("1.29")
    both = month([HTTP, one("apigateway/restApi:RestApi")], TOKYO, calls)
    assert line(both, "API Gateway", "requests")[1] == Decimal("4.25")


def test_tables_cost_by_capacity_or_by_use() -> None:
    index = {"name": "i", "readCapacity": 10, "writeCapacity": 10}
    provisioned = one("dynamodb/table:Table", billingMode="PROVISIONED", readCapacity=20, writeCapacity=20,
                      globalSecondaryIndexes=[index])  # fmt: skip
    used = {"tableReads": 2_000_000, "tableWrites": 1_000_000, "tableGb": 30}
    bill = month([provisioned], TOKYO, used)
    # 30 units each, of which 25 are free; the use costs nothing more.
    assert line(bill, "DynamoDB", "capacity for writing") == (Decimal("16.25"), Decimal("2.71"))
    assert line(bill, "DynamoDB", "capacity for reading") == (Decimal("3.25"), Decimal("0.54"))
    assert line(bill, "DynamoDB", "storage") == (Decimal("8.55"), Decimal("1.42"))
    assert not [each for each in bill.lines if each.what in ("reads", "writes")]
    bill = month([one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST")], TOKYO, used)
    assert line(bill, "DynamoDB", "reads")[1] == Decimal("0.28")
    assert line(bill, "DynamoDB", "writes")[1] == Decimal("0.72")


def test_every_copy_of_a_table_that_is_kept_costs_as_much_as_the_first() -> None:
    table = one("dynamodb/table:Table", billingMode="PAY_PER_REQUEST", pointInTimeRecovery={"enabled": True})
    rules = [
        {"schedule": "cron(0 4 ? * * *)", "lifecycle": {"deleteAfter": 35}},
        {"schedule": "cron(0 4 ? * SUN *)", "lifecycle": {"deleteAfter": 90}},
    ]
    bill = month([table, one("backup/plan:Plan", rules=rules)], TOKYO, {"tableGb": 2})
    assert line(bill, "Recovery", "copies of tables")[1] == (Decimal("0.114") * 2 * (35 + 13)).quantize(Decimal("0.01"))
    assert line(bill, "Recovery", "of tables to any second")[1] == Decimal("0.46")


def test_ten_alarms_are_free_and_one_on_an_expression_counts_for_each_of_its_metrics() -> None:
    simple = [one("cloudwatch/metricAlarm:MetricAlarm", metricName="Errors")] * 9
    asked = one(
        "cloudwatch/metricAlarm:MetricAlarm", metricQueries=[{"expression": "a/b"}, {"metric": 1}, {"metric": 2}]
    )
    assert line(month([*simple, asked], TOKYO, {}), "CloudWatch", "alarms") == (Decimal("1.10"), Decimal("0.10"))


def dashboard(metrics: int, *searches: str) -> dict[str, Any]:
    lines = [["AWS/SQS", f"M{number}", "QueueName", "jobs", {"stat": "Sum"}] for number in range(metrics)]
    found = [[{"expression": f"SEARCH('Namespace=\"{search}\"', 'Sum', 300)"}] for search in searches]
    graphs = [{"type": "metric", "properties": {"metrics": [*lines, *found]}}] * 2
    body = {"widgets": [{"type": "text", "properties": {"markdown": "## Queues"}}, *graphs]}
    return one("cloudwatch/dashboard:Dashboard", dashboardBody=json.dumps(body))


def test_three_dashboards_are_free_unless_they_show_more_than_fifty_metrics() -> None:
    bill = month([dashboard(50)] * 4, TOKYO, {})
    assert line(bill, "CloudWatch", "dashboards") == (Decimal("12.00"), Decimal("3.00"))
    large = "dashboards of more than 50 metrics"
    assert [each for each in bill.lines if each.what == large] == []
    assert line(month([dashboard(51)], TOKYO, {}), "CloudWatch", large) == (Decimal("3.00"), Decimal("3.00"))
    # What a search finds counts, too: all that programs are expected to count.
    assert line(month([dashboard(45, "own")], TOKYO, {"metrics": 10}), "CloudWatch", large)[1] == Decimal("3.00")
    assert line(month([dashboard(45)], TOKYO, {"metrics": 10}), "CloudWatch", "dashboards")[1] == Decimal("0.00")


def test_what_is_paid_by_the_month() -> None:
    bill = month(
        [
            one("route53/zone:Zone"),
            one("kms/key:Key"),
            one("kms/key:Key"),
            one("secretsmanager/secret:Secret"),
            one("wafv2/webAcl:WebAcl", rules=[{}, {}, {}]),
            {"type": "kumiki:identity:Key", "inputs": {}},
        ],
        TOKYO,
        {},
    )
    assert {(each.service, each.what): each.usd for each in bill.lines} == {
        ("Route 53", "zones"): Decimal("0.50"),
        ("KMS", "keys"): Decimal("2.00"),
        ("Secrets Manager", "secrets"): Decimal("0.40"),
        ("WAF", "lists"): Decimal("5.00"),
        ("WAF", "rules"): Decimal("3.00"),
    }
    assert bill.usd == bill.list_usd == Decimal("10.90")


def test_what_is_not_there_costs_nothing_and_an_unknown_region_is_no_guess() -> None:
    assert month([], TOKYO, {"functionCalls": 10**9, "storageGb": 10**6, "tableGb": 10**6}).lines == ()
    with pytest.raises(UnpricedRegion):
        month([FUNCTION], "eu-west-1", {"functionCalls": 1})


def may_ask(*models: str) -> dict[str, Any]:
    arns = [f"arn:aws:bedrock:ap-northeast-1::foundation-model/{each}" for each in models]
    return one("iam/rolePolicy:RolePolicy", policy=json.dumps({"Statement": [{"Resource": arns}]}))


def test_tokens_cost_by_the_dearest_model_that_may_be_asked_and_nothing_where_none_may() -> None:
    expected = {"modelInputTokens": 2_000_000, "modelOutputTokens": 1_000_000, "embeddedTokens": 50_000_000}
    haiku, sonnet = "anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-sonnet-4-6"
    bill = month([may_ask(haiku), may_ask(sonnet, "amazon.titan-embed-text-v2:0")], TOKYO, expected)
    assert line(bill, "Bedrock", "tokens read")[1] == Decimal("6.60")
    assert line(bill, "Bedrock", "tokens written")[1] == Decimal("16.50")
    assert line(bill, "Bedrock", "tokens embedded")[1] == Decimal("1.00")
    assert line(month([may_ask(haiku)], TOKYO, expected), "Bedrock", "tokens read")[1] == Decimal("2.20")
    assert not [each for each in month([], TOKYO, expected).lines if each.service == "Bedrock"]


def _collection(name: str, key: str, standby: str = "DISABLED", **more: Any) -> list[dict[str, Any]]:
    rules = [{"ResourceType": "collection", "Resource": [f"collection/{name}"]}]
    policy = json.dumps({"Rules": rules, "KmsARN": key})
    return [
        one("opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy", type="encryption", policy=policy),
        one("opensearch/serverlessCollection:ServerlessCollection", name=name, standbyReplicas=standby, **more),
    ]


def test_of_a_collection_the_least_capacity_is_always_paid_once_for_each_key() -> None:
    bill = month(_collection("a", "key-1") + _collection("b", "key-1"), TOKYO, {})
    assert line(bill, "OpenSearch", "least capacity")[0] == Decimal("243.82")
    apart = month(_collection("a", "key-1") + _collection("b", "key-2"), TOKYO, {})
    assert line(apart, "OpenSearch", "least capacity")[0] == Decimal("487.64")
    safe = month(_collection("a", "key-1", "ENABLED") + _collection("b", "key-1"), TOKYO, {})
    assert line(safe, "OpenSearch", "least capacity")[0] == Decimal("487.64")


def test_a_group_of_collections_costs_the_least_that_it_says_and_an_endpoint_each_of_its_zones() -> None:
    group = one(
        "opensearch/serverlessCollectionGroup:ServerlessCollectionGroup",
        capacityLimits=[{"minIndexingCapacityInOcu": 1, "minSearchCapacityInOcu": 1}],
    )
    endpoint = one("opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint", subnetIds=["subnet-1", "subnet-2"])
    bill = month([*_collection("a", "key-1", collectionGroupName="a"), group, endpoint], TOKYO, {})
    assert line(bill, "OpenSearch", "least capacity")[0] == Decimal("487.64")
    assert line(bill, "OpenSearch", "endpoint")[0] == Decimal("20.44")
