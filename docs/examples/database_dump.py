"""What lets a workflow have a host dump its database into a bucket; its definition has the substitutions."""

import json
from pathlib import Path

import pulumi_aws as aws

from components.compute.free_tier_host import FreeTierHost, FreeTierHostArgs
from components.compute.repository import Repository, RepositoryArgs
from components.data.bucket import Bucket, BucketArgs
from components.data.postgres import Postgres, PostgresArgs
from components.network.vpc import Vpc, VpcArgs
from components.operations.database_copy import DatabaseDump, DatabaseDumpArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
workflow = aws.iam.Role("wiki-dev-copy", assume_role_policy=json.dumps(trust))
network = Vpc("wiki-dev-network", VpcArgs(tiers=["public", "isolated"], nat="none"))
database = Postgres("wiki-dev-database", PostgresArgs(instance_class="db.t4g.micro"), network=network)
repository = Repository("wiki-dev-api", RepositoryArgs())
host = FreeTierHost(
    "wiki-dev-host",
    FreeTierHostArgs(tag="1.0.0"),
    network=network,
    repository=repository,
    files=Path("workloads/host"),
    environment="dev",
    parameter_path="/wiki/dev",
    database=database,
)
repository.grant_pull(host.role)
database.allow_from(host.security_group_id, "host")
database.grant_connect(host.role)
host.allow_to(database.security_group_id, database.port, "database")

copies = Bucket("wiki-dev-copies", BucketArgs())
dump = DatabaseDump("wiki-dev-database-copy", DatabaseDumpArgs(), bucket=copies, host=host)
dump.grant_run(workflow)
