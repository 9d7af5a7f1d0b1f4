"""A key for a function's log group, which the function's role may use to decrypt."""

import json

import pulumi_aws as aws

from components.identity.key import Key, KeyArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = aws.iam.Role("wiki-dev-worker", assume_role_policy=json.dumps(trust))

key = Key("wiki-dev-logs", KeyArgs(description="Logs of wiki-dev", log_groups=["/aws/lambda/wiki-dev-*"]))
key.grant_decrypt(role)
