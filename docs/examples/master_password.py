"""A database whose password is in a parameter, which is free, instead of in a secret."""

from components.data.master_password import MasterPassword, MasterPasswordArgs
from components.data.postgres import Postgres, PostgresArgs
from components.network.vpc import Vpc, VpcArgs

network = Vpc("wiki-dev-network", VpcArgs(nat="none"))
password = MasterPassword("wiki-dev-password", MasterPasswordArgs(parameter="/wiki/dev/database/master"))
Postgres("wiki-dev-database", PostgresArgs(instance_class="db.t4g.micro"), network=network, password=password)
