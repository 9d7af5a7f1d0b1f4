"""A dashboard of a queue and of a table: a heading for each kind, and a graph for each metric."""

from components.data.table import Table
from components.data.table_args import TableArgs
from components.messaging.queue import Queue, QueueArgs
from components.operations.dashboard import Dashboard, DashboardArgs

jobs = Queue("wiki-dev-jobs", QueueArgs(consumer_timeout_seconds=300))
sessions = Table("wiki-dev-sessions", TableArgs(attributes={"id": "S"}, hash_key="id"))

Dashboard("wiki-dev-overview", DashboardArgs(), widgets=[*jobs.widgets, *sessions.widgets])
