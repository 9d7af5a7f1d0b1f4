"""A table of sessions that end by themselves, and a role that may read and write them."""

import json

import pulumi_aws as aws

from components.data.table import Table
from components.data.table_args import TableArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = aws.iam.Role("wiki-dev-worker", assume_role_policy=json.dumps(trust))

sessions = Table("wiki-dev-sessions", TableArgs(attributes={"id": "S"}, hash_key="id", ttl="expires"))
sessions.grant_read_write(role)
