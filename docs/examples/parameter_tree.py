"""Settings under /wiki/dev, of which a role may read the branch `api`."""

import json

import pulumi_aws as aws

from components.data.parameters import ParameterTree, ParameterTreeArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = aws.iam.Role("wiki-dev-worker", assume_role_policy=json.dumps(trust))

args = ParameterTreeArgs(values={"api/log-level": "INFO"})
parameters = ParameterTree("wiki-dev-parameters", args, path="/wiki/dev", secure={"api/endpoint": "db.internal"})
parameters.grant_read(role, "api")
