"""The models at Bedrock: who may ask which, how, and what is recorded of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architecture.context import require
from architecture.encryption import make_key
from components.account import Account
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.identity.key import ServiceUse
from components.intelligence.invocation_logs import SERVICE, InvocationLogs, InvocationLogsArgs, invocation_statements
from components.intelligence.model_access import ModelAccess
from components.widgets import widgets_of

if TYPE_CHECKING:
    import pulumi
    import pulumi_aws as aws

    from architecture.context import Context
    from components.widgets import Widget

PATH = "MODELS_PATH"
"""The variable by which workloads are told under which parameter the settings of their models are."""


@dataclass(frozen=True)
class Models:
    """What may be asked; nothing where the stack has no models."""

    access: ModelAccess | None = None
    logs: InvocationLogs | None = None

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.access)

    @property
    def outputs(self) -> dict[str, Any]:
        """What programs name in their requests, and where these are recorded."""
        told: dict[str, Any] = {}
        if self.access is not None:
            told["modelIds"] = dict(self.access.model_ids)
            if self.access.guardrail_id is not None:
                told["guardrail"] = {"id": self.access.guardrail_id, "version": self.access.guardrail_version}
        if self.logs is not None:
            told["modelInvocationLogGroup"] = self.logs.log_group_name
        return told

    def environment(self, uses: list[str]) -> dict[str, pulumi.Input[str]]:
        """What the code of who asks is told."""
        return {PATH: require(self.access, "modelAccess").path} if uses else {}

    def grant(self, uses: list[str], role: aws.iam.Role) -> None:
        """Let `role` invoke the models of these uses and read how, and nothing more."""
        if uses:
            access = require(self.access, "modelAccess")
            access.grant_invoke(role, *uses)
            access.grant_read(role, *uses)


def build_models(ctx: Context) -> Models:
    """The models of the stack's YAML, their guardrail and the record; alarms where there are topics."""
    settings = ctx.settings.model_access
    if settings is None:
        return Models()
    access = ModelAccess(
        ctx.name("models"),
        settings,
        path=ctx.path,
        region=ctx.settings.region,
        within=ctx.settings.residency.regions,
        opts=ctx.opts,
    )
    if ctx.topics is not None:
        access.alarms(ctx.topics)
    logs = settings.invocation_logs
    return Models(access, _logs(ctx, logs) if logs is not None and settings.creates_logs else None)


def _logs(ctx: Context, args: InvocationLogsArgs) -> InvocationLogs:
    account = Account.of(ctx.provider)
    # A key of its own: that of other data need not be open to Bedrock.
    key = (
        make_key(
            ctx,
            "model-logs-encryption",
            f"What models of {ctx.stem} are asked",
            services=[ServiceUse(principal=SERVICE, source_arn=account.arn("bedrock", "*"))],
        )
        if ctx.settings.own_keys
        else None
    )
    bucket = Bucket(
        ctx.name("model-logs"),
        BucketArgs(
            # With the key that AWS manages for S3 no service writes here.
            encryption="kms" if key is not None else "s3",
            lifecycle=[LifecycleRule(delete_after_days=args.delete_after_days)],
            retention=ctx.settings.retention,
        ),
        key=key,
        access_logs=require(ctx.log_archive, "logArchive"),
        statements=lambda arn: invocation_statements(arn, account),
        opts=ctx.opts,
    )
    if "log_retention_days" not in args.model_fields_set:
        args = args.model_copy(update={"log_retention_days": ctx.settings.logs.retention_days})
    return InvocationLogs(ctx.name("model-logs"), args, bucket=bucket, logs_key=ctx.keys.logs, opts=ctx.opts)
