"""The way of jobs on Glue into a database."""

from components.analytics.spark_job import DatabaseConnection, DatabaseConnectionArgs
from components.data.postgres import Postgres, PostgresArgs
from components.network.vpc import Vpc, VpcArgs

network = Vpc("chat-dev-network", VpcArgs(nat="none"))
database = Postgres("chat-dev-database", PostgresArgs(instance_class="db.t4g.micro"), network=network)

DatabaseConnection("chat-dev-lake-database", DatabaseConnectionArgs(), database=database, network=network)
