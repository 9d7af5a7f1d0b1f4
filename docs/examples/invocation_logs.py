"""The record of all requests to models, in a bucket whose key Bedrock may use, for a year."""

from components.account import Account
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.identity.key import Key, KeyArgs, ServiceUse
from components.intelligence.invocation_logs import SERVICE, InvocationLogs, InvocationLogsArgs, invocation_statements

bedrock = ServiceUse(principal=SERVICE, source_arn="arn:aws:bedrock:ap-northeast-1:123456789012:*")
key = Key("wiki-dev-model-logs-encryption", KeyArgs(description="What models are asked"), services=[bedrock])
bucket = Bucket(
    "wiki-dev-model-logs",
    BucketArgs(lifecycle=[LifecycleRule(delete_after_days=365)]),
    key=key,
    statements=lambda arn: invocation_statements(arn, Account.of(key)),
)
InvocationLogs("wiki-dev-model-logs", InvocationLogsArgs(), bucket=bucket)
