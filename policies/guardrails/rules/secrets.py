"""Secrets, parameters, queries and the trail."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import (
    ADVISORY,
    MANDATORY,
    MANDATORY_IN_PROD,
    aws,
    example,
    graph_rule,
    json_of,
    ref,
    rule,
    setting,
    statements,
)
from guardrails.kit.values import UNKNOWN, Items, NotYetKnown
from guardrails.rules.containers import holds_a_secret
from guardrails.rules.keys import A_KEY, uses_own_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource
    from guardrails.kit.values import Props

# What waits for an alarm instead of being told by it.
_WATCHERS = (
    (types.DEPLOYMENT_GROUP, "alarmConfiguration.alarms"),
    (types.ECS_SERVICE, "alarms.alarmNames"),
)

_KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/1234"


@graph_rule(
    id="secret-key",
    title="Secrets are encrypted with a customer-managed key",
    types=(types.SECRETSMANAGER_SECRET,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest", "secrets"),
    references=("P", "C149"),
    remedy="Set kmsKeyId.",
)
def secret_key(secret: Resource, at: Context) -> Iterator[str]:
    """With the account's default key everybody who may read secrets may decrypt them, and no other account can. A stack
    outside of production that does without keys, at $1 a month each, is left alone."""
    if uses_own_keys(at) and not secret.props.has("kmsKeyId"):
        yield "no key is set"


secret_key.examples(
    compliant=[
        example(aws("secretsmanager/secret:Secret", {"kmsKeyId": _KEY}), environment="prod"),
        aws("secretsmanager/secret:Secret"),
    ],
    non_compliant=[
        example(aws("secretsmanager/secret:Secret"), environment="prod"),
        example(aws("secretsmanager/secret:Secret"), A_KEY),
    ],
)


def _secret(**props: Any) -> Any:
    return aws("secretsmanager/secret:Secret", props, name="secret")


_ROTATED = aws(
    "secretsmanager/secretRotation:SecretRotation",
    {"secretId": ref("secret"), "rotationRules": {"automaticallyAfterDays": 30}},
)


@graph_rule(
    id="secret-rotation",
    title="Secrets are rotated",
    types=(types.SECRETSMANAGER_SECRET,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("secrets",),
    references=("N-SMG4", "C304", "F SecretsManager.1"),
    remedy="Add an aws.secretsmanager.SecretRotation with a function that gives the secret its next value.",
)
def secret_rotation(secret: Resource, at: Context) -> Iterator[str]:
    """A value that nobody changes is known to everybody who has ever read it: in a log, on a laptop, in a backup. Where
    a change must be made by people, because it ends sessions or because a partner has to make it too, waive it and say
    so."""
    if not at.graph.children(secret, types.SECRET_ROTATION, via="secretId"):
        yield "rotation is off"


secret_rotation.examples(compliant=[example(_secret(), _ROTATED)], non_compliant=[_secret()])


_OF_ITS_OWN = (
    types.SECRETSMANAGER_SECRET,
    types.SECRET_VERSION,
    types.SECRET_ROTATION,
)
_DOCUMENTS = (
    types.IAM_POLICY,
    types.ROLE_POLICY,
    types.USER_POLICY,
    types.GROUP_POLICY,
)
_READ_EVERYTHING = ("AdministratorAccess", "PowerUserAccess", "SecretsManagerReadWrite")
_READ = "secretsmanager:GetSecretValue"
# A shorter name may stand in a text and mean something else.
_A_WORD = 8


def _session_key() -> Any:
    return aws("secretsmanager/secret:Secret", {"name": "kumiki-dev-session-key"}, name="secret")


def _may(action: str, resource: Any) -> Any:
    document = {"Statement": [{"Effect": "Allow", "Action": [action], "Resource": resource}]}
    return aws("iam/rolePolicy:RolePolicy", {"role": "api", "policy": document}, name="policy")


_ITS_VERSION = aws("secretsmanager/secretVersion:SecretVersion", {"secretId": ref("secret")}, name="version")
_THE_ACCOUNTS = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret"


@graph_rule(
    id="secret-used",
    title="Something can read each secret",
    types=(types.SECRETSMANAGER_SECRET,),
    level=ADVISORY,
    severity="low",
    topics=("cost", "secrets"),
    remedy="Let a program read it, or take the secret away; waive this where people or other stacks read it.",
)
def secret_used(secret: Resource, at: Context) -> Iterator[str]:
    """It costs $0.40 a month, and nothing in the stack names it or may read it. Who may is told from the policies of
    the stack; whatever else names the secret is taken for a reader."""
    readers = [_reads(each, secret) for each in at.graph.resources if each.kind not in _OF_ITS_OWN]
    if True in readers:
        return
    if None in readers:
        raise NotYetKnown("policy")
    yield "nothing can read it: no policy allows it, and nothing names the secret"


secret_used.examples(
    compliant=[
        example(_session_key(), _ITS_VERSION, _may(_READ, ref("secret", "arn"))),
        example(_session_key(), _may("secretsmanager:*", f"{_THE_ACCOUNTS}:kumiki-dev-*")),
        example(_session_key(), _may(_READ, f"{_THE_ACCOUNTS}:kumiki-dev-session-key-??????")),
        example(_session_key(), _may(_READ, "arn:aws:secretsmanager:*:*:*")),
        example(_session_key(), _may("*", "*")),
        example(
            _session_key(), aws("ecs/taskDefinition:TaskDefinition", {"containerDefinitions": ref("secret", "arn")})
        ),
        # A policy of its own may let another account in.
        example(_session_key(), aws("secretsmanager/secretPolicy:SecretPolicy", {"secretArn": ref("secret", "arn")})),
        example(
            _session_key(),
            aws(
                "iam/rolePolicyAttachment:RolePolicyAttachment",
                {"role": "api", "policyArn": "arn:aws:iam::aws:policy/SecretsManagerReadWrite"},
            ),
        ),
        example(
            _session_key(),
            aws(
                "iam/role:Role",
                {
                    "inlinePolicies": [
                        {"name": "x", "policy": json_of({"Effect": "Allow", "Action": "*", "Resource": "*"})}
                    ]
                },
            ),
        ),
    ],
    non_compliant=[
        _session_key(),
        example(_session_key(), _ITS_VERSION),
        example(_session_key(), _may("secretsmanager:PutSecretValue", f"{_THE_ACCOUNTS}:kumiki-dev-*")),
        example(_session_key(), _may(_READ, f"{_THE_ACCOUNTS}:kumiki-dev-other-AbCdEf")),
        example(_session_key(), _may(_READ, f"{_THE_ACCOUNTS}:kumiki-prod-*")),
    ],
)


def _reads(other: Resource, secret: Resource) -> bool | None:
    """Whether `other` reads the secret or lets somebody read it; None where that cannot be told yet."""
    named = any(secret.urn in urns for urns in other.dependencies.values())
    if other.kind in _DOCUMENTS:
        return _lets_read(other.props, secret, named=named)
    inline = other.props.maybe("inlinePolicies") if other.kind == types.IAM_ROLE else None
    if isinstance(inline, Items):
        answers = [_lets_read(each, secret, named=named) for each in inline.blocks()]
        return True if True in answers else None if None in answers else named
    given = other.inputs.raw
    text = repr(given)
    if named or any(f":policy/{policy}'" in text for policy in _READ_EVERYTHING):
        return True
    if any(name in text for name in secret.identifiers if len(name) > _A_WORD):
        return True
    # What is not known yet and comes from no other resource may be anything.
    untold = [key for key, value in given.items() if repr(UNKNOWN) in repr(value) and not other.dependencies.get(key)]
    return None if untold else False


def _lets_read(policy: Props, secret: Resource, *, named: bool) -> bool | None:
    """Whether a policy allows to read the secret; `named`: it has something of the secret, known or not."""
    try:
        reading = [each for each in statements(policy, "policy") if each.allows and each.covers((_READ,))]
        # AWS adds six letters to the name.
        own = f"secret:{secret.props.text('name')}-AbCdEf"
    except NotYetKnown:
        return True if named else None
    return any(
        each.not_resources or any(of in secret.identifiers or _is_of(of, own) for of in each.resources)
        for each in reading
    )


def _is_of(pattern: str, secret: str) -> bool:
    """Whether a resource of a policy covers a secret, in any region and account."""
    return fnmatchcase(secret, pattern.split(":", 5)[-1]) or fnmatchcase(
        f"arn:aws:secretsmanager:region:account:{secret}", pattern
    )


@rule(
    id="parameter-secure",
    title="A parameter that holds a secret is a SecureString",
    types=(types.SSM_PARAMETER,),
    level=MANDATORY,
    severity="high",
    topics=("secrets",),
    references=("C337",),
    remedy="Set type to SecureString, and keyId to a customer-managed key.",
)
def parameter_secure(parameter: Resource, _at: Context) -> Iterator[str]:
    """Checked by the parameter's name: what ends in password, secret, token or key is one."""
    last = parameter.props.text("name").rpartition("/")[2].replace("-", "_").replace(".", "_")
    if holds_a_secret(last) and parameter.props.get("type") != "SecureString":
        yield f"{last} is stored as plain text"


parameter_secure.examples(
    compliant=[
        aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/db/password", "type": "SecureString"}),
        aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/db/host", "type": "String"}),
        aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/writer/max-tokens", "type": "String"}),
    ],
    non_compliant=[
        aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/db/password", "type": "String"}),
        aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/slack-token", "type": "StringList"}),
        aws("ssm/parameter:Parameter", {"name": "/kumiki/dev/refresh-tokens", "type": "StringList"}),
    ],
)


def _secret_parameter(**props: Any) -> Any:
    return aws("ssm/parameter:Parameter", {"name": "/a/password", "type": "SecureString", **props})


@graph_rule(
    id="parameter-key",
    title="Secret parameters are encrypted with a customer-managed key",
    types=(types.SSM_PARAMETER,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest", "secrets"),
    references=("C337",),
    remedy="Set keyId.",
)
def parameter_key(parameter: Resource, at: Context) -> Iterator[str]:
    """The account's default key decrypts for everybody who may read parameters. A stack outside of production that does
    without keys, at $1 a month each, is left alone, as is a free-tier stack."""
    if parameter.props.get("type") != "SecureString" or not uses_own_keys(at):
        return
    if not parameter.props.has("keyId") or parameter.props.get("keyId") == "alias/aws/ssm":
        yield "it is encrypted with the account's default key"


parameter_key.examples(
    compliant=[
        example(_secret_parameter(keyId=_KEY), A_KEY),
        example(_secret_parameter(type="String"), A_KEY),
        example(_secret_parameter(), environment="prod", free_tier=True),
        _secret_parameter(),
    ],
    non_compliant=[
        example(_secret_parameter(), A_KEY),
        example(_secret_parameter(), environment="prod"),
        example(_secret_parameter(keyId="alias/aws/ssm"), A_KEY),
    ],
)


stream_encrypted = setting(
    id="stream-encrypted",
    title="Streams are encrypted",
    types=(types.KINESIS_STREAM,),
    path="encryptionType",
    allowed=("KMS",),
    wrong="NONE",
    message="encryption is off",
    description="Kinesis encrypts nothing by itself.",
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("N-KDS1", "C43", "F Kinesis.1"),
    remedy="Set encryptionType to KMS, and kmsKeyId to a customer-managed key or alias/aws/kinesis.",
)


@rule(
    id="query-results-encrypted",
    title="Athena results are encrypted, and clients cannot override it",
    types=(types.ATHENA_WORKGROUP,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("P", "C82", "C159", "F Athena.1"),
    remedy="Set configuration.resultConfiguration.encryptionConfiguration; leave enforceWorkgroupConfiguration on.",
)
def query_results_encrypted(group: Resource, _at: Context) -> Iterator[str]:
    """Results hold what was asked for, outside the bucket that it came from."""
    if not group.props.has("configuration.resultConfiguration.encryptionConfiguration"):
        yield "results are not encrypted"
    if group.props.get("configuration.enforceWorkgroupConfiguration", True) is False:
        yield "clients may override the location and the encryption"


query_results_encrypted.examples(
    compliant=[
        aws(
            "athena/workgroup:Workgroup",
            {
                "configuration": {
                    "enforceWorkgroupConfiguration": True,
                    "resultConfiguration": {"encryptionConfiguration": {"encryptionOption": "SSE_KMS"}},
                }
            },
        )
    ],
    non_compliant=[
        aws("athena/workgroup:Workgroup"),
        aws(
            "athena/workgroup:Workgroup",
            {
                "configuration": {
                    "enforceWorkgroupConfiguration": False,
                    "resultConfiguration": {"encryptionConfiguration": {"encryptionOption": "SSE_KMS"}},
                }
            },
        ),
    ],
)


trail_everywhere = setting(
    id="trail-everywhere",
    title="The trail covers every region",
    types=(types.CLOUDTRAIL_TRAIL,),
    path="isMultiRegionTrail",
    allowed=(True,),
    wrong=False,
    message="calls in other regions are not recorded",
    description="Whoever has stolen a key works where nobody looks.",
    level=MANDATORY,
    severity="high",
    topics=("logging",),
    references=("C67",),
    remedy="Set isMultiRegionTrail.",
    remediates=True,
)

trail_validated = setting(
    id="trail-validated",
    title="The trail has log file validation",
    types=(types.CLOUDTRAIL_TRAIL,),
    path="enableLogFileValidation",
    allowed=(True,),
    wrong=False,
    message="log file validation is off",
    description="A digest file each hour signs what was recorded.",
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("C36",),
    remedy="Set enableLogFileValidation.",
    remediates=True,
)

trail_key = setting(
    id="trail-key",
    title="The trail is encrypted with a customer-managed key",
    types=(types.CLOUDTRAIL_TRAIL,),
    path="kmsKeyId",
    value=_KEY,
    message="no key is set",
    description="Who may read the bucket need not be who may read what everybody did.",
    level=MANDATORY,
    severity="medium",
    topics=("at rest", "logging"),
    references=("C35",),
    remedy="Set kmsKeyId to a key whose policy lets CloudTrail use it.",
)

_GROUP_ARN = "arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/cloudtrail/trail"


@rule(
    id="trail-alarms",
    title="The trail delivers to CloudWatch, where alarms see it",
    types=(types.CLOUDTRAIL_TRAIL,),
    level=ADVISORY,
    severity="medium",
    topics=("logging",),
    environments=("prod",),
    references=("C2-10", "F CloudTrail.5", "I"),
    remedy="Set cloudWatchLogsGroupArn, ending with :*, and cloudWatchLogsRoleArn; put metric filters on the group.",
)
def trail_alarms(trail: Resource, _at: Context) -> Iterator[str]:
    """Files in a bucket are read when something has happened. In CloudWatch root's use or a sign-in without MFA rings
    within minutes. CloudTrail takes the ARN of a log group with the wildcard of its streams only."""
    if not trail.props.has("cloudWatchLogsGroupArn"):
        yield "its events go to a bucket only, where no alarm sees them"
    elif not trail.props.text("cloudWatchLogsGroupArn").endswith(":*"):
        yield "cloudWatchLogsGroupArn does not end with :*"


trail_alarms.examples(
    compliant=[
        example(aws("cloudtrail/trail:Trail", {"cloudWatchLogsGroupArn": f"{_GROUP_ARN}:*"}), environment="prod"),
        aws("cloudtrail/trail:Trail"),
    ],
    non_compliant=[
        example(aws("cloudtrail/trail:Trail"), environment="prod"),
        example(aws("cloudtrail/trail:Trail", {"cloudWatchLogsGroupArn": _GROUP_ARN}), environment="prod"),
    ],
)


backup_vault_key = setting(
    id="backup-vault-key",
    title="Backups are encrypted with a customer-managed key",
    types=(types.BACKUP_VAULT,),
    path="kmsKeyArn",
    value=_KEY,
    message="no key is set",
    description="Most recovery points take the vault's key, not that of what was backed up.",
    level=MANDATORY,
    severity="medium",
    topics=("at rest", "backup"),
    references=("C166",),
    remedy="Set kmsKeyArn.",
)

glue_job_encrypted = setting(
    id="glue-job-encrypted",
    title="Glue jobs have a security configuration",
    types=(types.GLUE_JOB,),
    path="securityConfiguration",
    value="kumiki-dev-lake",
    message="there is no security configuration",
    description="It encrypts the job's output, its logs and its bookmarks.",
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("at rest",),
    references=("N-GL1", "C195"),
    remedy="Name a SecurityConfiguration.",
)

glue_crawler_encrypted = setting(
    id="glue-crawler-encrypted",
    title="Glue crawlers have a security configuration",
    types=(types.GLUE_CRAWLER,),
    path="securityConfiguration",
    value="kumiki-dev-lake",
    message="there is no security configuration",
    description="As for jobs.",
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("at rest",),
    references=("N-GL1", "C195"),
    remedy="Name a SecurityConfiguration.",
)


@rule(
    id="delivery-stream-encrypted",
    title="Delivery streams are encrypted",
    types=(types.FIREHOSE_DELIVERY_STREAM,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("N-KDF1",),
    remedy="Set serverSideEncryption.enabled.",
    remediate=lambda _stream, _at: {"serverSideEncryption": {"enabled": True}},
)
def delivery_stream_encrypted(stream: Resource, _at: Context) -> Iterator[str]:
    """A stream that reads from Kinesis is encrypted there."""
    if not stream.props.has("kinesisSourceConfiguration") and not stream.props.get("serverSideEncryption.enabled"):
        yield "server-side encryption is off"


delivery_stream_encrypted.examples(
    compliant=[
        aws("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", {"serverSideEncryption": {"enabled": True}}),
        aws(
            "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
            {"kinesisSourceConfiguration": {"kinesisStreamArn": "arn"}},
        ),
    ],
    non_compliant=[aws("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")],
)


@graph_rule(
    id="alarm-tells-somebody",
    title="Alarms notify somebody",
    types=(types.METRIC_ALARM,),
    level=ADVISORY,
    severity="low",
    topics=("logging",),
    references=("C319",),
    remedy="Set alarmActions, or switch the alarm's actions off on purpose with actionsEnabled.",
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
    yield "the alarm has no action"


alarm_tells_somebody.examples(
    compliant=[
        aws("cloudwatch/metricAlarm:MetricAlarm", {"alarmActions": ["arn:topic"]}),
        aws("cloudwatch/metricAlarm:MetricAlarm", {"actionsEnabled": False}),
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
        aws("cloudwatch/metricAlarm:MetricAlarm"),
        aws("cloudwatch/metricAlarm:MetricAlarm", {"alarmActions": []}),
    ],
)
