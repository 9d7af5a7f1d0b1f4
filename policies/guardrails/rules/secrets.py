"""Secrets, parameters, queries and the trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import ADVISORY, MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule, setting
from guardrails.rules.containers import holds_a_secret
from guardrails.rules.keys import A_KEY, uses_own_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource, Rule

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105
PARAMETER = "aws:ssm/parameter:Parameter"
WORKGROUP = "aws:athena/workgroup:Workgroup"
TRAIL = "aws:cloudtrail/trail:Trail"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
# What waits for an alarm instead of being told by it.
_WATCHERS = (
    ("aws:codedeploy/deploymentGroup:DeploymentGroup", "alarmConfiguration.alarms"),
    ("aws:ecs/service:Service", "alarms.alarmNames"),
)
VAULT = "aws:backup/vault:Vault"
JOB, CRAWLER = "aws:glue/job:Job", "aws:glue/crawler:Crawler"
STREAM = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"

_KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/1234"


def _named(type_: str, path: str, *, says: str, why: str, good: dict[str, Any], **facts: Any) -> Rule:
    """A rule that asks for a key, or for whatever else must be named."""

    def check(resource: Resource, _at: Context) -> Iterator[str]:
        if not resource.props.has(path):
            yield says

    check.__doc__ = why
    short = type_.removeprefix("aws:")
    examples = {"compliant": [example(aws(short, good))], "non_compliant": [example(aws(short))]}
    return rule(types=(type_,), **examples, **facts)(check)


@graph_rule(
    id="secret-key",
    title="Secrets are encrypted with a key of ours",
    types=(SECRET,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest", "secrets"),
    references=("P", "C149"),
    remedy="Set kmsKeyId.",
    compliant=[
        example(aws("secretsmanager/secret:Secret", {"kmsKeyId": _KEY}), environment="prod"),
        example(aws("secretsmanager/secret:Secret")),
    ],
    non_compliant=[
        example(aws("secretsmanager/secret:Secret"), environment="prod"),
        example(aws("secretsmanager/secret:Secret"), A_KEY),
    ],
)
def secret_key(secret: Resource, at: Context) -> Iterator[str]:
    """With the account's default key everybody who may read secrets may decrypt them, and no other account can. A stack
    outside of production that does without keys, at $1 a month each, is left alone."""
    if uses_own_keys(at) and not secret.props.has("kmsKeyId"):
        yield "no key is set"


def _secret(**props: Any) -> Any:
    return aws("secretsmanager/secret:Secret", props, name="secret")


_ROTATED = aws(
    "secretsmanager/secretRotation:SecretRotation",
    {"secretId": ref("secret"), "rotationRules": {"automaticallyAfterDays": 30}},
)


@graph_rule(
    id="secret-rotation",
    title="Secrets are rotated",
    types=(SECRET,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("secrets",),
    references=("N-SMG4", "C304", "F SecretsManager.1"),
    remedy="Add an aws.secretsmanager.SecretRotation with a function that gives the secret its next value.",
    compliant=[
        example(_secret(), _ROTATED),
    ],
    non_compliant=[example(_secret())],
)
def secret_rotation(secret: Resource, at: Context) -> Iterator[str]:
    """A value that nobody changes is known to everybody who has ever read it: in a log, on a laptop, in a backup. Where
    a change must be made by people, because it ends sessions or because a partner has to make it too, waive it and say
    so."""
    if not at.graph.children(secret, "aws:secretsmanager/secretRotation:SecretRotation", via="secretId"):
        yield "its value stays until somebody changes it"


@rule(
    id="parameter-secure",
    title="A parameter that holds a secret is a SecureString",
    types=(PARAMETER,),
    level=MANDATORY,
    severity="high",
    topics=("secrets",),
    references=("C337",),
    remedy="Set type to SecureString, and keyId to a key of ours.",
    compliant=[
        example(aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/db/password", "type": "SecureString"})),
        example(aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/db/host", "type": "String"})),
    ],
    non_compliant=[
        example(aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/db/password", "type": "String"})),
        example(aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/slack-token", "type": "StringList"})),
    ],
)
def parameter_secure(parameter: Resource, _at: Context) -> Iterator[str]:
    """Judged by the parameter's name: what ends in password, secret, token or key is one."""
    last = parameter.props.text("name").rpartition("/")[2].replace("-", "_").replace(".", "_")
    if holds_a_secret(last) and parameter.props.get("type") != "SecureString":
        yield f"{last} is kept as plain text"


def _secret_parameter(**props: Any) -> Any:
    return aws("ssm/parameter:Parameter", {"name": "/a/password", "type": "SecureString", **props})


@graph_rule(
    id="parameter-key",
    title="Secret parameters are encrypted with a key of ours",
    types=(PARAMETER,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest", "secrets"),
    references=("C337",),
    remedy="Set keyId.",
    compliant=[
        example(_secret_parameter(keyId=_KEY), A_KEY),
        example(_secret_parameter(type="String"), A_KEY),
        example(_secret_parameter(), environment="prod", free_tier=True),
        example(_secret_parameter()),
    ],
    non_compliant=[
        example(_secret_parameter(), A_KEY),
        example(_secret_parameter(), environment="prod"),
        example(_secret_parameter(keyId="alias/aws/ssm"), A_KEY),
    ],
)
def parameter_key(parameter: Resource, at: Context) -> Iterator[str]:
    """The account's default key decrypts for everybody who may read parameters. A stack outside of production that does
    without keys, at $1 a month each, is left alone, as is a free-tier stack."""
    if parameter.props.get("type") != "SecureString" or not uses_own_keys(at):
        return
    if not parameter.props.has("keyId") or parameter.props.get("keyId") == "alias/aws/ssm":
        yield "it is encrypted with the account's default key"


_stream_encryption = setting(
    id="stream-encrypted",
    title="Streams are encrypted",
    types=("aws:kinesis/stream:Stream",),
    path="encryptionType",
    wanted=("KMS",),
    wrong="NONE",
    says="records are kept in plain text",
    why="Kinesis encrypts nothing by itself.",
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("N-KDS1", "C43", "F Kinesis.1"),
    remedy="Set encryptionType to KMS, and kmsKeyId to a key of ours or alias/aws/kinesis.",
)


@rule(
    id="query-results-encrypted",
    title="Results of queries are encrypted, whatever the client says",
    types=(WORKGROUP,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("P", "C82", "C159", "F Athena.1"),
    remedy="Set configuration.resultConfiguration.encryptionConfiguration; leave enforceWorkgroupConfiguration on.",
    compliant=[
        example(
            aws(
                "athena/workgroup:Workgroup",
                {
                    "configuration": {
                        "enforceWorkgroupConfiguration": True,
                        "resultConfiguration": {"encryptionConfiguration": {"encryptionOption": "SSE_KMS"}},
                    }
                },
            )
        )
    ],
    non_compliant=[
        example(aws("athena/workgroup:Workgroup")),
        example(
            aws(
                "athena/workgroup:Workgroup",
                {
                    "configuration": {
                        "enforceWorkgroupConfiguration": False,
                        "resultConfiguration": {"encryptionConfiguration": {"encryptionOption": "SSE_KMS"}},
                    }
                },
            )
        ),
    ],
)
def query_results_encrypted(group: Resource, _at: Context) -> Iterator[str]:
    """Results hold what was asked for, outside the bucket that it came from."""
    if not group.props.has("configuration.resultConfiguration.encryptionConfiguration"):
        yield "results are not encrypted"
    if group.props.get("configuration.enforceWorkgroupConfiguration", True) is False:
        yield "a client may choose another place and no encryption"


_trail_everywhere = setting(
    id="trail-everywhere",
    title="The trail covers every region",
    types=(TRAIL,),
    path="isMultiRegionTrail",
    wanted=(True,),
    wrong=False,
    says="calls in other regions are not recorded",
    why="Whoever has stolen a key works where nobody looks.",
    level=MANDATORY,
    severity="high",
    topics=("logging",),
    references=("C67",),
    remedy="Set isMultiRegionTrail.",
    mends=True,
)

_trail_validated = setting(
    id="trail-validated",
    title="The trail shows when somebody has changed it",
    types=(TRAIL,),
    path="enableLogFileValidation",
    wanted=(True,),
    wrong=False,
    says="there are no digests",
    why="A digest file each hour signs what was recorded.",
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("C36",),
    remedy="Set enableLogFileValidation.",
    mends=True,
)

_trail_key = _named(
    TRAIL,
    "kmsKeyId",
    id="trail-key",
    title="The trail is encrypted with a key of ours",
    says="no key is set",
    why="Who may read the bucket need not be who may read what everybody did.",
    good={"kmsKeyId": _KEY},
    level=MANDATORY,
    severity="medium",
    topics=("at rest", "logging"),
    references=("C35",),
    remedy="Set kmsKeyId to a key whose policy lets CloudTrail use it.",
)

_vault_key = _named(
    VAULT,
    "kmsKeyArn",
    id="backup-vault-key",
    title="Backups are encrypted with a key of ours",
    says="no key is set",
    why="Most recovery points take the vault's key, not that of what was backed up.",
    good={"kmsKeyArn": _KEY},
    level=MANDATORY,
    severity="medium",
    topics=("at rest", "backup"),
    references=("C166",),
    remedy="Set kmsKeyArn.",
)

_job_encryption = _named(
    JOB,
    "securityConfiguration",
    id="glue-job-encrypted",
    title="What a Glue job writes is encrypted",
    says="there is no security configuration",
    why="It encrypts the job's output, its logs and its bookmarks.",
    good={"securityConfiguration": "kumiki-dev-lake"},
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("at rest",),
    references=("N-GL1", "C195"),
    remedy="Name a SecurityConfiguration.",
)

_crawler_encryption = _named(
    CRAWLER,
    "securityConfiguration",
    id="glue-crawler-encrypted",
    title="What a Glue crawler writes is encrypted",
    says="there is no security configuration",
    why="As for jobs.",
    good={"securityConfiguration": "kumiki-dev-lake"},
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("at rest",),
    references=("N-GL1", "C195"),
    remedy="Name a SecurityConfiguration.",
)


@rule(
    id="delivery-stream-encrypted",
    title="What waits in a delivery stream is encrypted",
    types=(STREAM,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("N-KDF1",),
    remedy="Set serverSideEncryption.enabled.",
    remediate=lambda _stream, _at: {"serverSideEncryption": {"enabled": True}},
    compliant=[
        example(
            aws("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", {"serverSideEncryption": {"enabled": True}})
        ),
        example(
            aws(
                "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
                {"kinesisSourceConfiguration": {"kinesisStreamArn": "arn"}},
            )
        ),
    ],
    non_compliant=[example(aws("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"))],
)
def delivery_stream_encrypted(stream: Resource, _at: Context) -> Iterator[str]:
    """A stream that reads from Kinesis is encrypted there."""
    if not stream.props.has("kinesisSourceConfiguration") and not stream.props.get("serverSideEncryption.enabled"):
        yield "records wait in plain text"


@graph_rule(
    id="alarm-tells-somebody",
    title="An alarm tells somebody",
    types=(ALARM,),
    level=ADVISORY,
    severity="low",
    topics=("logging",),
    references=("C319",),
    remedy="Set alarmActions, or switch the alarm's actions off on purpose with actionsEnabled.",
    compliant=[
        example(aws("cloudwatch/metricAlarm:MetricAlarm", {"alarmActions": ["arn:topic"]})),
        example(aws("cloudwatch/metricAlarm:MetricAlarm", {"actionsEnabled": False})),
        example(
            aws("cloudwatch/metricAlarm:MetricAlarm", {"name": "errors"}, name="errors"),
            aws(
                "codedeploy/deploymentGroup:DeploymentGroup",
                {"alarmConfiguration": {"alarms": [ref("errors")]}},
                name="deployments",
            ),
        ),
    ],
    non_compliant=[
        example(aws("cloudwatch/metricAlarm:MetricAlarm")),
        example(aws("cloudwatch/metricAlarm:MetricAlarm", {"alarmActions": []})),
    ],
)
def alarm_tells_somebody(alarm: Resource, at: Context) -> Iterator[str]:
    """A state that nobody hears of changes nothing. A deployment that watches the alarm hears of it, too."""
    if not alarm.props.get("actionsEnabled", True) or len(alarm.props.items("alarmActions")):
        return
    for kind, via in _WATCHERS:
        for watcher in at.graph.of_kind(kind):
            named = watcher.dependencies.get(via.partition(".")[0], ())
            if alarm.urn in named or (
                not named and any(name in alarm.identifiers for name in watcher.props.items(via).texts())
            ):
                return
    yield "nobody is told"


RULES = (
    secret_key,
    secret_rotation,
    parameter_secure,
    parameter_key,
    _stream_encryption,
    query_results_encrypted,
    _trail_everywhere,
    _trail_validated,
    _trail_key,
    _vault_key,
    _job_encryption,
    _crawler_encryption,
    delivery_stream_encrypted,
    alarm_tells_somebody,
)
