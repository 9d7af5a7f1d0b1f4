"""What an account must have once: threat detection, a record of its configuration, an audit trail, access analysis.

Use: AccountBaseline("wiki-dev-baseline", AccountBaselineArgs(config_bucket=archive.log_target_name, trail_bucket=…))
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Severity
from components.children import Children, Transform
from components.policy import Statement, statement
from components.refusal import Refusal, nearest

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
"""What GuardDuty looks at besides the trail, DNS and flow logs of the account. RUNTIME_MONITORING is not among it: its
agent in Fargate tasks needs an endpoint of its own in a network without NAT."""

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

AUDIT_DAYS = 1096
"""Audit logs are kept for three years, one of which may be a leap year."""


@dataclass(frozen=True, kw_only=True)
class AccountBaselineArgs:
    """What the caller decides about the account. Each part exists once in an account and region."""

    guard_duty: Way = "create"
    """Threat detection. Priced by what it reads, often 1 to 3 % of the account's bill; the first 30 days are free."""

    guard_duty_features: Sequence[DetectorFeature] = ("RDS_LOGIN_EVENTS", "S3_DATA_EVENTS")
    """What it looks at besides; each is priced apart."""

    config: Way = "create"
    """The record of every change of configuration; $0.003 for each change, $0.012 a day for each changed resource."""

    config_bucket: pulumi.Input[str] | None = None
    """The bucket for the record, which must admit `config` (a Bucket's `log_target_name`). AWS Config cannot write to
    a bucket with Object Lock. The service itself keeps the record for seven years."""

    recording_frequency: Literal["CONTINUOUS", "DAILY"] = "CONTINUOUS"
    """CONTINUOUS: each change. DAILY: the state at the end of a day in which something changed."""

    config_rules: Sequence[str] = CONFIG_RULES
    """Identifiers of AWS's managed rules."""

    trail: Way = "create"
    """Who did what, in all regions. The first copy of management events is free."""

    trail_bucket: pulumi.Input[str] | None = None
    """The bucket for the trail, with Object Lock and `audit_statements` in its policy (its `log_target_name`)."""

    trail_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the trail; its policy must let `cloudtrail.amazonaws.com` use it for the trail. Without one the
    trail is encrypted with the key that AWS manages for S3."""

    access_analyzer: Way = "create"
    """What can be reached from outside the account; free."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        for part in ("guard_duty", "config", "trail", "access_analyzer"):
            if getattr(self, part) not in get_args(Way):
                raise Refusal(part, getattr(self, part), f"is not allowed; use {', '.join(get_args(Way))}")
        for feature in self.guard_duty_features:
            known = get_args(DetectorFeature)
            if feature not in known:
                raise Refusal(
                    "guard_duty_features",
                    feature,
                    f"is not a feature of GuardDuty; {nearest(feature, known)}use {', '.join(known)}",
                )
        for rule in self.config_rules:
            if not re.fullmatch(r"[A-Z][A-Z0-9_]{2,255}", rule):
                raise Refusal(
                    "config_rules",
                    rule,
                    "is not the identifier of a managed rule; write one such as S3_BUCKET_SSL_REQUESTS_ONLY",
                )
        if len(set(self.config_rules)) != len(self.config_rules):
            raise Refusal("config_rules", list(self.config_rules), "has a rule twice; keep one")
        if self.config == "create" and self.config_bucket is None:
            raise Refusal("config", "create", "needs a bucket for the record; give config_bucket")
        if self.trail == "create" and self.trail_bucket is None:
            raise Refusal("trail", "create", "needs a bucket for the trail; give trail_bucket")


class AccountBaseline(pulumi.ComponentResource):
    """GuardDuty, AWS Config, CloudTrail and Access Analyzer, each made here or left to somebody else."""

    CHILDREN = (
        "detector",
        "detector_feature",
        "config_role",
        "recorder",
        "delivery_channel",
        "recorder_status",
        "config_rule",
        "trail",
        "analyzer",
        "event_rule",
        "event_target",
    )

    def __init__(self, name: str, args: AccountBaselineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:operations:AccountBaseline", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        if args.guard_duty == "create":
            self._detect_threats()
        # The arguments have seen to it that there is a bucket where something is created.
        recording: list[pulumi.Resource] = []
        if args.config == "create" and args.config_bucket is not None:
            recording.append(self._record_configuration(args.config_bucket))
        if args.config != "skip":
            self._judge_configuration(recording)
        if args.trail == "create" and args.trail_bucket is not None:
            self._keep_trail(args.trail_bucket)
        if args.access_analyzer == "create":
            aws.accessanalyzer.Analyzer(
                f"{name}-analyzer", analyzer_name=name, type="ACCOUNT", opts=self._child("analyzer")
            )
        self.register_outputs({})

    def alarms(self, topics: AlarmTopics) -> None:
        """Tell of what GuardDuty finds, and of what no longer keeps a rule of this stack. GuardDuty's scale: from 7
        somebody acts with stolen rights, from 4 something is not as it was; below that nobody is told."""
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
        for feature in sorted(self._args.guard_duty_features):
            aws.guardduty.DetectorFeature(
                f"{self._prefix}-{feature.lower().replace('_', '-')}-detector-feature",
                detector_id=detector.id,
                name=feature,
                status="ENABLED",
                opts=self._child("detector_feature"),
            )

    def _record_configuration(self, bucket: pulumi.Input[str]) -> pulumi.Resource:
        """The recorder, then where it writes to, then its start: AWS refuses any other order."""
        name, args = self._prefix, self._args
        # AWS's own role for this service: its policy grows with every new type of resource, which ours would not.
        role = aws.iam.ServiceLinkedRole(
            f"{name}-config-role", aws_service_name="config.amazonaws.com", opts=self._child("config_role")
        )
        recorder = aws.cfg.Recorder(
            f"{name}-recorder",
            name=name,
            role_arn=role.arn,
            recording_group=aws.cfg.RecorderRecordingGroupArgs(all_supported=True, include_global_resource_types=True),
            recording_mode=aws.cfg.RecorderRecordingModeArgs(recording_frequency=args.recording_frequency),
            opts=self._child("recorder"),
        )
        channel = aws.cfg.DeliveryChannel(
            f"{name}-delivery-channel",
            name=name,
            s3_bucket_name=bucket,
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

    def _judge_configuration(self, recording: Sequence[pulumi.Resource]) -> None:
        for rule in sorted(self._args.config_rules):
            title = rule.lower().replace("_", "-")
            aws.cfg.Rule(
                f"{self._prefix}-{title}-rule",
                name=f"{self._prefix}-{title}",
                source=aws.cfg.RuleSourceArgs(owner="AWS", source_identifier=rule),
                opts=self._child("config_rule", depends_on=recording),
            )

    def _keep_trail(self, bucket: pulumi.Input[str]) -> None:
        name, args = self._prefix, self._args
        aws.cloudtrail.Trail(
            f"{name}-trail",
            name=name,
            s3_bucket_name=bucket,
            kms_key_id=args.trail_key_arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            # A digest every hour, signed by AWS: what was changed or deleted afterwards shows.
            enable_log_file_validation=True,
            enable_logging=True,
            opts=self._child("trail"),
        )


def trail_arn(name: str, account: Account) -> pulumi.Output[str]:
    """The ARN of the trail of the baseline called `name`: the policies of its bucket and key name it first."""
    return account.arn("cloudtrail", f"trail/{name}")


def audit_statements(name: str, bucket_arn: pulumi.Output[str], account: Account) -> list[Statement]:
    """What the audit bucket's policy must say, so that the trail of the baseline called `name` can write there."""
    principal = {"Service": "cloudtrail.amazonaws.com"}
    ours = {"aws:SourceArn": trail_arn(name, account)}
    return [
        statement(
            "TrailLooksFirst",
            principal=principal,
            actions="s3:GetBucketAcl",
            resources=bucket_arn,
            condition={"StringEquals": ours},
        ),
        statement(
            "TrailWrites",
            principal=principal,
            actions="s3:PutObject",
            resources=pulumi.Output.concat(bucket_arn, "/AWSLogs/", account.id, "/*"),
            condition={"StringEquals": {**ours, "s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
    ]
