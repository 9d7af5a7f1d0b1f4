"""A database for development that runs on working days from eight to six, by the clock of Berlin, summer and winter."""

from components.data.postgres import Postgres, PostgresArgs
from components.network.vpc import Vpc, VpcArgs
from components.operations.office_hours import OfficeHours, OfficeHoursArgs

network = Vpc("wiki-dev-network", VpcArgs(tiers=["private", "isolated"], nat="none"))
# RDS makes its backups only while the database runs.
args = PostgresArgs(instance_class="db.t4g.micro", backup_window="10:00-11:00", retention="ephemeral")
database = Postgres("wiki-dev-database", args, network=network)

hours = OfficeHoursArgs(from_="08:00", to="18:00", timezone="Europe/Berlin")
OfficeHours("wiki-dev-office-hours", hours, databases={"database": database})
