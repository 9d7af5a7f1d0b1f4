"""An alarm on more than five errors in five minutes, told in the morning."""

import pulumi_aws as aws

from components.operations.error_log_alarm import ErrorLogAlarm, ErrorLogAlarmArgs
from components.operations.topics import Topics, TopicsArgs

topics = Topics("wiki-dev-alerts", TopicsArgs(emails=["ops@example.com"]), stem="wiki-dev").alarm_topics
group = aws.cloudwatch.LogGroup("wiki-dev-api", name="/ecs/wiki-dev-api/errors", retention_in_days=30)

args = ErrorLogAlarmArgs(threshold=6, period_seconds=300, severity="warning")
ErrorLogAlarm("wiki-dev-api-errors", args, log_group=group.name, topics=topics)
