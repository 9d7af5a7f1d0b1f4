"""A bus for the events of one system, and an API that may put them there."""

import json

import pulumi_aws as aws

from components.messaging.event_bus import EventBus, EventBusArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = aws.iam.Role("wiki-dev-api", assume_role_policy=json.dumps(trust))

bus = EventBus("wiki-dev-events", EventBusArgs())
bus.grant_put(role)
