"""What lets a workflow export snapshots of a database to a bucket; its definition has the substitutions."""

import json

import pulumi_aws as aws

from components.data.bucket import Bucket, BucketArgs
from components.data.postgres import Postgres, PostgresArgs
from components.identity.key import Key, KeyArgs
from components.network.vpc import Vpc, VpcArgs
from components.operations.database_copy import SnapshotExport, SnapshotExportArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
workflow = aws.iam.Role("wiki-dev-copy", assume_role_policy=json.dumps(trust))
network = Vpc("wiki-dev-network", VpcArgs(nat="none"))
key = Key("wiki-dev-data", KeyArgs(description="Data at rest of wiki-dev"))
database = Postgres("wiki-dev-database", PostgresArgs(instance_class="db.t4g.micro"), network=network, key=key)
copies = Bucket("wiki-dev-copies", BucketArgs(), key=key)

export = SnapshotExport("wiki-dev-database-copy", SnapshotExportArgs(), bucket=copies, database=database, key=key)
export.grant_run(workflow)
