"""A workflow that sends a message to a queue, whose address its definition does not know."""

import json

from components.messaging.queue import Queue, QueueArgs
from components.messaging.workflow import Workflow, WorkflowArgs

jobs = Queue("wiki-dev-jobs", QueueArgs(consumer_timeout_seconds=300))
definition = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": "${queueUrl}", "MessageBody": "tidy up"},
            "End": True,
        }
    },
}
nightly = Workflow(
    "wiki-dev-nightly", WorkflowArgs(), definition=json.dumps(definition), substitutions={"queueUrl": jobs.url}
)
jobs.grant_send(nightly.role)
