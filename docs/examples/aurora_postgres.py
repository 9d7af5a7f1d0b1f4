"""A writer and a reader in two zones, under a key of their own; Aurora adds readers under load."""

from components.data.aurora import AuroraPostgres
from components.data.aurora_args import AuroraPostgresArgs, ReaderScaling
from components.identity.key import Key, KeyArgs
from components.network.vpc import Vpc, VpcArgs

network = Vpc("wiki-prod-network", VpcArgs(nat="none"))
key = Key("wiki-prod-data", KeyArgs(description="Data at rest of wiki-prod"))

args = AuroraPostgresArgs(instance_class="db.r6g.large", readers=1, reader_scaling=ReaderScaling(max_readers=3))
AuroraPostgres("wiki-prod-database", args, network=network, key=key)
