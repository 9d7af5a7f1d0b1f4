"""What AWS rounds up, what falls with the quantity, and what is easily forgotten: each amount worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from costs.model import Resource
from costs.prices import keys_of_prices, steps
from tests.costs.stacks import month, one, usd

HTTP = one("apigatewayv2/api:Api", protocolType="HTTP")
SOCKETS = one("apigatewayv2/api:Api", protocolType="WEBSOCKET")
FUNCTION = one("lambda/function:Function", memorySize=1024, architectures=["arm64"])
QUEUE = one("sqs/queue:Queue")
FIREHOSE = one("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
STREAM = one("kinesis/stream:Stream", shardCount=2)
ATHENA = one("athena/workgroup:Workgroup")
JOB = one("glue/job:Job", workerType="G.1X", numberOfWorkers=10)
CRAWLER = one("glue/crawler:Crawler")
BUILD = one("codebuild/project:Project",
            environment={"type": "LINUX_CONTAINER", "computeType": "BUILD_GENERAL1_SMALL"})  # fmt: skip
BUCKET = one("s3/bucket:Bucket")
MILLION = 1_000_000


def moved(storage_class: str, days: int, ends: int | None = None) -> Resource:
    rule: dict[str, Any] = {"transitions": [{"days": days, "storageClass": storage_class}]}
    return one(
        "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        rules=[{**rule, **({"expiration": {"days": ends}} if ends else {})}],
    )


MINIMUMS: list[tuple[str, list[Resource], dict[str, Any], str, str]] = [
    # Half a millisecond is one: 100 million of them are 100,000 GB-seconds, all free; at list price 1.33.
    ("a call takes at least a millisecond", [FUNCTION],
     {"functionCalls": 100 * MILLION, "functionMilliseconds": "0.5"}, "time of calls, arm, 1 GB", "1.33"),
    ("a call of 513 KB is two", [HTTP], {"functionCalls": MILLION, "callKb": 513}, "requests to all APIs, HTTP",
     "2.58"),
    ("a message of 33 KB is two", [SOCKETS], {"functionCalls": MILLION, "messageKb": 33}, "messages", "2.52"),
    ("a message of 200 KB is four", [QUEUE], {"messages": 10 * MILLION, "messageKb": 200},
     "requests to all queues, standard", "16.00"),
    ("a record of 1 KB is taken in as 5", [FIREHOSE], {"streamGb": 10, "recordKb": 1}, "records taken in", "1.80"),
    ("a record of 6 KB is taken in as 10", [FIREHOSE], {"streamGb": 60, "recordKb": 6}, "records taken in", "3.60"),
    # 100 GB are 104,857,600 records of 1 KB, each a unit.
    ("a record of 1 KB is a unit of 25", [STREAM], {"streamGb": 100, "recordKb": 1}, "units put", "2.25"),
    ("a query reads at least 10 MB", [ATHENA], {"scannedGb": 1, "queries": 102_400}, "data that queries read", "4.88"),
    ("a run of a job is at least a minute", [JOB], {"jobHours": 1, "jobRuns": 60}, "DPU-hours of all jobs", "4.40"),
    ("a run of a crawler is at least ten minutes of two DPUs", [CRAWLER], {"jobRuns": 30},
     "DPU-hours of all crawlers", "4.40"),
    ("a build is at least a minute", [BUILD], {"buildMinutes": 10, "builds": 300},
     "minutes of builds, LINUX_CONTAINER BUILD_GENERAL1_SMALL", "1.50"),
    ("an object of 64 KB is kept as 128", [BUCKET, moved("STANDARD_IA", 30)],
     {"storageGb": 100, "infrequentGb": 100, "objectKb": 64}, "data of all buckets, STANDARD_IA", "2.76"),
    ("an object that goes after 10 days is kept for 30", [BUCKET, moved("ONEZONE_IA", 30, 40)],
     {"storageGb": 100, "infrequentGb": 100, "objectKb": 1024}, "data of all buckets, ONEZONE_IA", "3.30"),
    ("an object that goes after 30 days is kept for 90", [BUCKET, moved("GLACIER_IR", 30, 60)],
     {"storageGb": 100, "infrequentGb": 100, "objectKb": 1024}, "data of all buckets, GLACIER_IR", "1.50"),
    ("an archived object has 40 KB more", [BUCKET, moved("GLACIER", 90)],
     {"storageGb": 100, "archivedGb": 100, "objectKb": 40}, "data of all buckets, GLACIER", "0.90"),
    ("a serverless cache is metered as a gigabyte",
     [one("elasticache/serverlessCache:ServerlessCache", engine="redis")],
     {"cacheGb": "0.2"}, "data, at least the least", "91.25"),
    ("and as what it has above that", [one("elasticache/serverlessCache:ServerlessCache", engine="valkey")],
     {"cacheGb": 2}, "data, at least the least", "122.64"),
]  # fmt: skip


@pytest.mark.covers("C8")
@pytest.mark.parametrize(("resources", "use", "what", "wanted"), [row[1:] for row in MINIMUMS],
                         ids=[row[0] for row in MINIMUMS])  # fmt: skip
def test_aws_rounds_up(resources: list[Resource], use: dict[str, Any], what: str, wanted: str) -> None:
    assert usd(month(resources, use), what)[0] == Decimal(wanted)


def test_without_a_size_nothing_is_rounded_up_and_what_is_in_cheaper_classes_is_not_in_the_dearest() -> None:
    assert usd(month([QUEUE], {"messages": 10 * MILLION}), "requests to all queues, standard")[0] == Decimal("4.00")
    assert usd(month([FIREHOSE], {"streamGb": 10}), "records taken in")[0] == Decimal("0.36")
    stored = month([BUCKET], {"storageGb": 100, "infrequentGb": 30, "archivedGb": 20})
    assert usd(stored, "data of all buckets")[0] == Decimal("1.25")


STEPS: list[tuple[str, list[Resource], dict[str, Any], str, str]] = [
    # 10,000 at 0.30, of which ten are free; 240,000 at 0.10; 50,000 at 0.05.
    ("metrics", [one("cloudwatch/dashboard:Dashboard")], {"metrics": 300_000}, "metrics that programs publish",
     "29497.00"),
    ("logs of AWS's services", [one("cloudwatch/logGroup:LogGroup", name="/aws/lambda/f", retentionInDays=1)],
     {"logsGb": 20_480}, "written to all groups", "11669.80"),  # 10,235 x 0.76 + 10,240 x 0.38, and what is kept
    ("logs of one's own do not fall", [one("cloudwatch/logGroup:LogGroup", name="/ecs/api", retentionInDays=1)],
     {"logsGb": 20_480}, "written to all groups", "15561.00"),
    ("REST", [one("apigateway/restApi:RestApi")], {"functionCalls": 1_333 * MILLION}, "requests to all APIs, REST",
     "4768.76"),  # 333 x 4.25 + 667 x 3.53 + 333 x 3.00
    ("HTTP", [HTTP], {"functionCalls": 400 * MILLION}, "requests to all APIs, HTTP", "505.00"),
    ("WebSocket", [SOCKETS], {"functionCalls": 2_000 * MILLION}, "messages", "2320.00"),
    # 8,000 million GB-seconds, 0.4 of them free: 7,499.6 x 13.3334 + 500 x 12.0001.
    ("time of functions", [FUNCTION], {"functionCalls": 8_000 * MILLION, "functionMilliseconds": 1000},
     "time of calls, arm, 1 GB", "105995.22"),
    ("data to the internet", [FUNCTION], {"internetGb": 204_800}, "data out to the internet", "17908.60"),
    ("storage", [BUCKET], {"storageGb": 614_400}, "data of all buckets", "14694.40"),
    ("data of CloudFront", [one("cloudfront/distribution:Distribution")], {"transferGb": 614_400},
     "data out to readers", "51800.06"),
    ("people on the plan lite", [one("cognito/userPool:UserPool", userPoolTier="LITE")], {"users": 2_100_000},
     "people who sign in, lite", "8210.00"),
    ("requests to queues", [QUEUE], {"messages": 250_000 * MILLION}, "requests to all queues, standard", "81999.60"),
    ("GuardDuty", [one("guardduty/detector:Detector", enable=True)], {"logsGb": 3_000}, "flow and DNS logs", "1915.00"),
    ("data through endpoints",
     [one("ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Interface", subnetIds=["a"])], {"endpointGb": 2 * 1_048_576},
     "data through all endpoints", "16777.22"),
    ("questions", [one("route53/zone:Zone")], {"dnsQueries": 2_000 * MILLION}, "questions to public zones", "600.00"),
    ("judgements", [one("cfg/rule:Rule")], {"configItems": 600_000}, "judgements of all rules", "470.00"),
    ("express workflows", [one("sfn/stateMachine:StateMachine", type="EXPRESS")], {"workflowSteps": 345_600_000},
     "their time and memory", "196.38"),  # 6,000 GB-hours: 1,000 x 0.060012 + 4,000 x 0.029988 + 1,000 x 0.016416
]  # fmt: skip


@pytest.mark.covers("C8")
@pytest.mark.parametrize(("resources", "use", "what", "wanted"), [row[1:] for row in STEPS],
                         ids=[row[0] for row in STEPS])  # fmt: skip
def test_prices_fall_step_by_step(resources: list[Resource], use: dict[str, Any], what: str, wanted: str) -> None:
    assert usd(month(resources, use), what)[1] == Decimal(wanted)


def test_each_step_of_a_price_is_reached() -> None:
    """A price that is named as a step and stands in no ladder would never count."""
    in_ladders = {name for key in keys_of_prices() for _, name in steps(key)}
    named = {
        key for key in keys_of_prices()
        if key.rpartition(".")[2].startswith(("next_", "over_", "tier")) and key.rpartition(".")[0] in keys_of_prices()
    }  # fmt: skip
    assert named <= in_ladders


@pytest.mark.parametrize(("protocol", "due"), [("TCP", "0.60"), ("TLS", "9.60")])
def test_a_network_load_balancer_takes_more_connections_a_unit(protocol: str, due: str) -> None:
    """100 units of 800 connections a second: 288 million, at 0.006 USD a unit; TLS is 50 a second."""
    balancer = Resource(
        type="lb/loadBalancer:LoadBalancer",
        inputs={"loadBalancerType": "network", "internal": True},
        outputs={"arn": "arn:nlb"},
    )
    listener = one("lb/listener:Listener", loadBalancerArn="arn:nlb", protocol=protocol)
    assert usd(month([balancer, listener], {"webRequests": 288000000}), "units of load")[1] == Decimal(due)
