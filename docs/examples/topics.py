"""Topics that somebody reads, and a table's alarms that go there."""

from components.data.table import Table
from components.data.table_args import TableArgs
from components.operations.topics import Topics, TopicsArgs

topics = Topics("wiki-dev-alerts", TopicsArgs(emails=["ops@example.com"]), stem="wiki-dev")
Table("wiki-dev-sessions", TableArgs(attributes={"id": "S"}, hash_key="id")).alarms(topics.alarm_topics)
