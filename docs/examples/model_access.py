"""A model that writes and one that embeds, in Tokyo and Osaka only, and a worker that may ask both."""

import json

import pulumi_aws as aws

from components.intelligence.model_access import ModelAccess
from components.intelligence.model_use import ModelAccessArgs, ModelUse

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = aws.iam.Role("wiki-dev-worker", assume_role_policy=json.dumps(trust))

uses = {"writer": ModelUse(model="claude-sonnet-4-6"), "embedder": ModelUse(model="titan-embed-text-v2")}
models = ModelAccess(
    "wiki-dev-models",
    ModelAccessArgs(models=uses),
    path="/wiki/dev",
    region="ap-northeast-1",
    within=["ap-northeast-1", "ap-northeast-3"],
)
models.grant_invoke(role, "writer", "embedder")
models.grant_read(role, "writer", "embedder")
