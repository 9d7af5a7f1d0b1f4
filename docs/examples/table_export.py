"""What a workflow needs to copy a table into a bucket."""

import json

import pulumi_aws as aws

from components.analytics.table_export import TableExport, TableExportArgs
from components.data.bucket import Bucket, BucketArgs
from components.data.table import Table
from components.data.table_args import TableArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
workflow = aws.iam.Role("chat-dev-exports", assume_role_policy=json.dumps(trust))
sessions = Table("chat-dev-sessions", TableArgs(attributes={"id": "S"}, hash_key="id"))
raw = Bucket("chat-dev-raw", BucketArgs())

export = TableExport("chat-dev-table-export", TableExportArgs(), tables=[sessions], bucket=raw)
export.grant_run(workflow)
