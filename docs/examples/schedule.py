"""A workflow that starts every night at two, by the clock of Tokyo."""

import json

from components.messaging.schedule import Schedule, ScheduleArgs
from components.messaging.workflow import Workflow, WorkflowArgs

definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
nightly = Workflow("wiki-dev-nightly", WorkflowArgs(), definition=json.dumps(definition))

args = ScheduleArgs(expression="cron(0 2 * * ? *)", timezone="Asia/Tokyo")
Schedule("wiki-dev-nightly-schedule", args, target=nightly.target)
