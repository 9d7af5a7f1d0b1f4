"""A queue of jobs that a consumer works on for up to five minutes each, and an API that may send to it."""

import json

import pulumi_aws as aws

from components.identity.key import Key, KeyArgs
from components.messaging.queue import Queue, QueueArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = aws.iam.Role("wiki-dev-api", assume_role_policy=json.dumps(trust))
key = Key("wiki-dev-data", KeyArgs(description="Data at rest of wiki-dev"))

jobs = Queue("wiki-dev-jobs", QueueArgs(consumer_timeout_seconds=300), key=key)
jobs.grant_send(role)
