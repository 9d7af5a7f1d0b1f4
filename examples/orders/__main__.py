"""Orders wait in a queue until a worker has written them to a table; only the shop may send them."""

import json

import pulumi
import pulumi_aws as aws
from kumiki.components import Key, KeyArgs, Queue, QueueArgs, Table, TableArgs


def role_of_tasks(name: str) -> aws.iam.Role:
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return aws.iam.Role(name, assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))


config = pulumi.Config("orders")
prefix = f"orders-{pulumi.get_stack()}"

key = Key(f"{prefix}-data", KeyArgs(description="Orders at rest"))
incoming = Queue(
    f"{prefix}-incoming",
    QueueArgs(consumer_timeout_seconds=config.get_int("workerTimeoutSeconds") or 30),
    key=key,
)
orders = Table(f"{prefix}-orders", TableArgs(attributes={"id": "S"}, hash_key="id"), key=key)

shop, worker = role_of_tasks(f"{prefix}-shop"), role_of_tasks(f"{prefix}-worker")
incoming.grant_send(shop)
incoming.grant_consume(worker)
orders.grant_write(worker)

pulumi.export("queue", incoming.url)
pulumi.export("table", orders.name)
