"""A random key, and the place for a token that another company issues; one role reads the key."""

import json

import pulumi_aws as aws

from components.data.secrets import Secret, SecretSet, SecretSetArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = aws.iam.Role("wiki-dev-worker", assume_role_policy=json.dumps(trust))

args = SecretSetArgs(
    secrets={
        "session-key": Secret(description="Signs cookies", length=64),
        "mail-token": Secret(description="Of the mail provider; put in by hand", generate=False),
    }
)
secrets = SecretSet("wiki-dev-secrets", args)
secrets.grant_read(role, "session-key")
