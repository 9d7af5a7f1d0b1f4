"""Keys, secrets, sign-in, and who watches the account."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.registry import number, prices
from costs.stack import Stack

_STANDARD_BYTES: Final = 4096
"""Of a standard parameter."""
_DETECTOR: Final = "guardduty/detector:Detector"
_CPUS: Final = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48, "16xlarge": 64}
"""Virtual processors by the size of an instance; those below `large` have two."""


@prices("kms/key:Key", "kms/replicaKey:ReplicaKey", "kms/externalKey:ExternalKey")
def key(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the month; its first two rotations are $1 a month more each, which a new key has not had yet."""
    if one.inputs.get("customKeyStoreId"):
        yield not_priced("store of keys", "modules that keep keys have no price here")
    yield fixed("key", "kms.key_month", 1)
    yield by_use("requests to all keys", "kms.requests", stack.use("keyRequests", one))


@prices("secretsmanager/secret:Secret")
def secret(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the month, each copy in another region too, and by the read."""
    yield fixed("secret", "secretsmanager.secret_month", 1 + len(one.inputs.get("replicas") or []))
    yield by_use("reads of all secrets", "secretsmanager.api_requests", stack.use("secretReads", one))


@prices("ssm/parameter:Parameter")
def parameter(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Free up to 4 KB; advanced ones by the month, which larger ones become where the tier is left to AWS."""
    del stack
    large = len(str(one.inputs.get("value") or one.inputs.get("insecureValue") or "").encode()) > _STANDARD_BYTES
    if one.inputs.get("tier") == "Advanced" or (one.inputs.get("tier") == "Intelligent-Tiering" and large):
        yield fixed("advanced parameter", "ssm.parameter.advanced_month", 1)
    else:
        yield fixed("standard parameter", "ssm.parameter.standard_month", 1)


@prices("cognito/userPool:UserPool")
def users(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the person who signs in; how many are free depends on the plan."""
    plan = str(one.inputs.get("userPoolTier") or "ESSENTIALS").lower()
    yield by_use(f"people who sign in, {plan}", f"cognito.{plan}.mau", stack.use("users", one))
    if one.inputs.get("smsConfiguration"):
        yield not_priced("text messages", "text messages have no price here")
    if plan == "lite" and (one.inputs.get("userPoolAddOns") or {}).get("advancedSecurityMode") in ("AUDIT", "ENFORCED"):
        yield not_priced("threat protection", "the former price of threat protection is not known here")


@prices("cognito/userPoolClient:UserPoolClient")
def client(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """People are paid by the pool; programs that sign in are paid by the client and by the token."""
    del stack
    if "client_credentials" in (one.inputs.get("allowedOauthFlows") or []):
        yield not_priced("sign-ins of programs", "how many tokens they get is not among the use that is known")
    else:
        yield free("the people who sign in are paid")


@prices(_DETECTOR)
def detector(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Management events, and flow and DNS logs, taken for as much as is written to CloudWatch."""
    if one.inputs.get("enable") is False:
        yield free("it is off")
        return
    yield by_use("management events", "guardduty.cloudtrail_events", stack.use("auditEvents", one))
    yield by_use("flow and DNS logs", "guardduty.flow_dns_gb", stack.use("logsGb", one))


@prices("guardduty/detectorFeature:DetectorFeature")
def feature(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """What else GuardDuty watches."""
    name = str(one.inputs.get("name"))
    if one.inputs.get("status") == "DISABLED":
        yield free("it is off")
    elif name == "S3_DATA_EVENTS":
        yield by_use(
            "events of S3", "guardduty.s3_events", stack.expects("objectReads") + stack.expects("objectWrites")
        )
    elif name == "RDS_LOGIN_EVENTS":
        yield fixed("processors of databases", "guardduty.rds_vcpu_month", _database_cpus(stack))
    elif name == "LAMBDA_NETWORK_LOGS":
        yield by_use("flow logs of functions, within those of the detector", "guardduty.lambda_flow_gb", 0)
    elif name == "EBS_MALWARE_PROTECTION":
        yield free("a disk is read only after a finding")
    elif name in ("RUNTIME_MONITORING", "EKS_RUNTIME_MONITORING"):
        managed = one.inputs.get("additionalConfigurations") or []
        if any(
            each.get("name") == "ECS_FARGATE_AGENT_MANAGEMENT" and each.get("status") == "ENABLED" for each in managed
        ):
            yield fixed("processors of Fargate", "guardduty.fargate_runtime_vcpu_month", _task_cpus(stack))
        else:
            yield free("no agent runs on Fargate")
    else:
        yield not_priced(name, "this feature has no price here")


def _database_cpus(stack: Stack) -> Decimal:
    classes = [
        str(one.inputs.get("instanceClass") or "")
        for one in stack.of("rds/clusterInstance:ClusterInstance", "rds/instance:Instance")
    ]
    return Decimal(sum(_CPUS.get(each.rpartition(".")[2], 2) for each in classes))


def _task_cpus(stack: Stack) -> Decimal:
    tasks = {str(one.outputs.get("arn")): one for one in stack.of("ecs/taskDefinition:TaskDefinition")}
    found = Decimal(0)
    for service in stack.of("ecs/service:Service"):
        task = tasks.get(str(service.inputs.get("taskDefinition")))
        if task is not None:
            found += number(service.inputs, "desiredCount", 1) * number(task.inputs, "cpu", 256) / 1024
    return found


@prices("cfg/recorder:Recorder")
def recorder(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the change that is recorded; once a day is dearer each, and there are fewer."""
    daily = (one.inputs.get("recordingMode") or {}).get("recordingFrequency") == "DAILY"
    yield by_use("changes recorded", "config.items_daily" if daily else "config.items", stack.use("configItems", one))


@prices("cfg/rule:Rule")
def rule(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the judgement: each recorded change by one rule."""
    yield by_use("judgements of all rules", "config.rule_evaluations", stack.use("configItems", one))


@prices("cloudtrail/trail:Trail")
def trail(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """The first trail's management events are free; a second one's, events of data and Insights are not."""
    if _data_events(one.inputs):
        events = stack.expects("objectReads") + stack.expects("objectWrites")
        yield by_use("events of data", "cloudtrail.data_events", events)
    if stack.of(one.type)[0] is not one:
        events = stack.expects("auditEvents")
        yield by_use("management events, recorded again", "cloudtrail.second_trail_events", events)
    elif not _data_events(one.inputs):
        yield free("management events of an account's first trail cost nothing")
    if one.inputs.get("insightSelectors"):
        yield by_use("events that Insights analyses", "cloudtrail.insights_events", stack.expects("auditEvents"))


def _data_events(inputs: Any) -> bool:
    plain = any(each.get("dataResources") for each in inputs.get("eventSelectors") or [])
    fields = [
        field
        for each in inputs.get("advancedEventSelectors") or []
        for field in each.get("fieldSelectors") or []
        if field.get("field") == "eventCategory"
    ]
    return plain or any("Data" in (field.get("equals") or []) for field in fields)


@prices("accessanalyzer/analyzer:Analyzer")
def analyzer(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Who reaches from outside is free; access that nobody uses is paid by the role."""
    if "UNUSED" in str(one.inputs.get("type") or ""):
        yield fixed("roles analysed", "accessanalyzer.unused_role_month", len(stack.of("iam/role:Role")))
    else:
        yield free("analysis of access from outside costs nothing")
