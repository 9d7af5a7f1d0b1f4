"""What an account must have once: threat detection, a record of its configuration, an audit trail, access analysis.

Use: AccountBaseline("wiki-dev-baseline", AccountBaselineArgs(), config_bucket=archive, trail_bucket=audit)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Severity
from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..values import LogRetentionDays, text
from ..widgets import Widget
from . import trail, trail_alarms

Way = Literal["create", "adopt", "skip"]
"""create: made here. adopt: the account has it already, from another stack or the organization, and what belongs to
this stack is added to it. skip: this stack does not care."""

DetectorFeature = Literal[
    "S3_DATA_EVENTS",
    "EKS_AUDIT_LOGS",
    "EBS_MALWARE_PROTECTION",
    "RDS_LOGIN_EVENTS",
    "LAMBDA_NETWORK_LOGS",
]
"""What GuardDuty looks at besides the trail, DNS and flow logs of the account, and would look at where nothing is said.
RUNTIME_MONITORING is not among it: it is off until somebody switches it on, and its agent in Fargate tasks needs an
endpoint of its own in a network without NAT."""

CONFIG_RULES = (
    "CLOUD_TRAIL_ENABLED",
    "GUARDDUTY_ENABLED_CENTRALIZED",
    "INCOMING_SSH_DISABLED",
    "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS",
    "RDS_INSTANCE_PUBLIC_ACCESS_CHECK",
    "RDS_STORAGE_ENCRYPTED",
    "ROOT_ACCOUNT_MFA_ENABLED",
    "S3_BUCKET_PUBLIC_READ_PROHIBITED",
    "S3_BUCKET_SSL_REQUESTS_ONLY",
    "VPC_DEFAULT_SECURITY_GROUP_CLOSED",
)
"""AWS's own rules that every account should keep; $0.001 for each evaluation."""

_SEVERITIES: Mapping[Severity, list[object]] = {"critical": [">=", 7], "warning": [">=", 4, "<", 7]}
"""Of GuardDuty's findings, which go from 1 to 10."""

ConfigRule = Annotated[
    str,
    text(r"[A-Z][A-Z0-9_]{2,255}", "write the identifier of a managed rule, such as S3_BUCKET_SSL_REQUESTS_ONLY"),
]


class AccountBaselineArgs(ComponentArgs):
    """What an account has once: create it here, adopt what is there, or skip it. Each part exists once in an account
    and region."""

    guard_duty: Way = "create"
    """Threat detection. Priced by what it reads, often 1 to 3 % of the account's bill; the first 30 days are free."""

    guard_duty_features: list[DetectorFeature] = ["RDS_LOGIN_EVENTS", "S3_DATA_EVENTS"]
    """What it looks at besides; each is priced apart. The others are switched off."""

    config: Way = "create"
    """The record of every change of configuration; $0.003 for each change, $0.012 a day for each changed resource."""

    config_role: Literal["create", "adopt"] = "create"
    """AWS's own role for the service (AWSServiceRoleForConfig), one for the whole account, in all regions. adopt: the
    account has it, because AWS Config ran there once; to create it again is refused ("has been taken")."""

    recording_frequency: Literal["CONTINUOUS", "DAILY"] = "CONTINUOUS"
    """CONTINUOUS: each change. DAILY: the state at the end of a day in which something changed."""

    config_rules: list[ConfigRule] = [*CONFIG_RULES]
    """Identifiers of AWS's managed rules. Left out: those that every account should keep."""

    trail: Way = "create"
    """Who did what, in all regions. The first copy of management events is free."""

    trail_logs: bool = False
    """Keep the trail in CloudWatch, too, where alarms see it: root's use, sign-ins without MFA, changes of policies and
    what else the CIS benchmark asks for. $0.76 for each GB, and $6 a month for its alarms."""

    log_retention_days: LogRetentionDays = 30
    """Days until CloudWatch deletes its copy of a record. In YAML left out: the stack's."""

    access_analyzer: Way = "create"
    """What can be reached from outside the account; free."""

    def mistakes(self) -> Iterator[Mistake]:
        if len(set(self.config_rules)) != len(self.config_rules):
            yield Mistake("config_rules", self.config_rules, "has a rule twice; keep one")
        if self.trail_logs and self.trail != "create":
            reason = f"is for a trail that is made here, and trail is {self.trail}; use false"
            yield Mistake("trail_logs", True, reason)


class AccountBaseline(Component):
    """GuardDuty, AWS Config, CloudTrail and Access Analyzer, each made here or left to somebody else."""

    CHILDREN = (
        *("detector", "detector_feature", "config_role", "recorder", "delivery_channel", "recorder_status"),
        *("config_rule", "metric_filter", "alarm", "analyzer", "event_rule", "event_target"),
        *trail.CHILDREN,
    )

    def __init__(
        self,
        name: str,
        args: AccountBaselineArgs,
        *,
        config_bucket: Bucket | None = None,
        trail_bucket: Bucket | None = None,
        trail_key: AnyKey | None = None,
        logs_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param config_bucket: The bucket for the record of configuration; it must receive logs from `config`. AWS Config
            cannot write to a bucket with Object Lock. The service itself keeps the record for seven years.
        :param trail_bucket: The bucket for the trail, with Object Lock and `audit_statements` in its policy.
        :param trail_key: What encrypts the trail; its policy must let `cloudtrail.amazonaws.com` use it for the trail.
            Without one the trail is encrypted with the key that AWS manages for S3.
        :param logs_key: What encrypts the trail's log group; its policy must admit `/aws/cloudtrail/{name}`.
        """
        super().__init__(name, args, opts)
        self._args = args
        self._trail_log_group: aws.cloudwatch.LogGroup | None = None
        self._counts_events = False
        if args.guard_duty == "create":
            self._detect_threats()
        recording: list[pulumi.Resource] = []
        if args.config == "create":
            recording.append(self._record_configuration(_needed("config", config_bucket)))
        if args.config != "skip":
            self._judge_configuration(recording)
        if args.trail == "create":
            bucket, account = _needed("trail", trail_bucket), Account.of(self)
            logs = None
            if args.trail_logs:
                logs = trail.TrailLogs.of(name, args.log_retention_days, logs_key, account, self._child)
                self._trail_log_group = logs.group
            trail.keep(name, bucket, trail_key, logs, self._child)
        if args.access_analyzer == "create":
            aws.accessanalyzer.Analyzer(
                f"{name}-analyzer", analyzer_name=name, type="ACCOUNT", opts=self._child("analyzer")
            )
        self.register_outputs({})

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Tell of what GuardDuty finds, of what no longer keeps a rule of this stack, and of what the trail tells.
        GuardDuty's scale: from 7 somebody acts with stolen rights, from 4 something is not as it was; below that nobody
        is told."""
        if self._args.guard_duty != "skip":
            for severity, numbers in _SEVERITIES.items():
                pattern = {
                    "source": ["aws.guardduty"],
                    "detail-type": ["GuardDuty Finding"],
                    "detail": {"severity": [{"numeric": numbers}]},
                }
                self._tell(f"{severity}-findings", pattern, severity, topics)
        if self._args.config != "skip":
            pattern = {
                "source": ["aws.config"],
                "detail-type": ["Config Rules Compliance Change"],
                "detail": {
                    "messageType": ["ComplianceChangeNotification"],
                    "configRuleName": [{"prefix": f"{self._prefix}-"}],
                    "newEvaluationResult": {"complianceType": ["NON_COMPLIANT"]},
                },
            }
            self._tell("violations", pattern, "warning", topics)
        if self._trail_log_group is None:
            return []
        self._counts_events = True
        return trail_alarms.watch(self._prefix, self._trail_log_group.name, topics, self._child)

    @property
    def widgets(self) -> list[Widget]:
        """How much the trail writes, and, where alarms count it, what people should hear of at once."""
        section, group = "Audit trail (CloudTrail)", self._trail_log_group
        if group is None:
            return []
        widgets = [self._graph(section, trail_alarms.written(group.name), period_seconds=300)]
        if self._counts_events:
            lines = {each.name: each.metric(self._prefix) for each in trail_alarms.WATCHED}
            widgets.append(self._graph(section, lines, name="Events that ring", period_seconds=300))
        return widgets

    def _tell(self, what: str, pattern: Mapping[str, Any], severity: Severity, topics: AlarmTopics) -> None:
        name = f"{self._prefix}-{what}"
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=name,
            event_pattern=json.dumps(pattern, sort_keys=True),
            opts=self._child("event_rule"),
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            target_id="topic",
            arn=topics.critical if severity == "critical" else topics.warning,
            # No role: the topic's policy admits the rule. No template: chat applications show whole events only.
            opts=self._child("event_target"),
        )

    def _detect_threats(self) -> None:
        detector = aws.guardduty.Detector(
            f"{self._prefix}-detector",
            enable=True,
            # How soon a finding that happens again is told again; a new one is told at once.
            finding_publishing_frequency="FIFTEEN_MINUTES",
            opts=self._child("detector"),
        )
        # All of them: AWS switches on whatever a new detector is not told of (guardduty: CreateDetector), and bills it.
        for feature in sorted(get_args(DetectorFeature)):
            aws.guardduty.DetectorFeature(
                f"{self._prefix}-{feature.lower().replace('_', '-')}-detector-feature",
                detector_id=detector.id,
                name=feature,
                status="ENABLED" if feature in self._args.guard_duty_features else "DISABLED",
                opts=self._child("detector_feature"),
            )

    def _record_configuration(self, bucket: Bucket) -> pulumi.Resource:
        """The recorder, then where it writes to, then its start: AWS refuses any other order."""
        name, args = self._prefix, self._args
        # AWS's own role for this service: its policy grows with every new type of resource, which ours would not.
        role = self._config_role()
        recorder = aws.cfg.Recorder(
            f"{name}-recorder",
            name=name,
            role_arn=role,
            recording_group=aws.cfg.RecorderRecordingGroupArgs(all_supported=True, include_global_resource_types=True),
            recording_mode=aws.cfg.RecorderRecordingModeArgs(recording_frequency=args.recording_frequency),
            opts=self._child("recorder"),
        )
        channel = aws.cfg.DeliveryChannel(
            f"{name}-delivery-channel",
            name=name,
            s3_bucket_name=bucket.log_target_name,
            s3_key_prefix="config",
            snapshot_delivery_properties=aws.cfg.DeliveryChannelSnapshotDeliveryPropertiesArgs(
                delivery_frequency="TwentyFour_Hours"
            ),
            opts=self._child("delivery_channel", depends_on=[recorder]),
        )
        return aws.cfg.RecorderStatus(
            f"{name}-recorder-status",
            name=recorder.name,
            is_enabled=True,
            opts=self._child("recorder_status", depends_on=[channel]),
        )

    def _config_role(self) -> pulumi.Output[str]:
        if self._args.config_role == "adopt":
            path = "role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
            return Account.of(self).global_arn("iam", path)
        return aws.iam.ServiceLinkedRole(
            f"{self._prefix}-config-role",
            aws_service_name="config.amazonaws.com",
            # The recorders of other regions work with it.
            opts=self._child("config_role", retain_on_delete=True),
        ).arn

    def _judge_configuration(self, recording: Sequence[pulumi.Resource]) -> None:
        for rule in sorted(self._args.config_rules):
            title = rule.lower().replace("_", "-")
            aws.cfg.Rule(
                f"{self._prefix}-{title}-rule",
                name=f"{self._prefix}-{title}",
                source=aws.cfg.RuleSourceArgs(owner="AWS", source_identifier=rule),
                opts=self._child("config_rule", depends_on=recording),
            )


def _needed(part: str, bucket: Bucket | None) -> Bucket:
    if bucket is None:
        raise ArgumentError(part, "create", f"needs a bucket; give {part}_bucket")
    return bucket
