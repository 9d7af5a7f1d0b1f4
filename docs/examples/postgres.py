"""A database on RDS that takes connections from one service, whose role may read the password."""

import json

import pulumi_aws as aws

from components.data.postgres import Postgres, PostgresArgs, Storage
from components.network.vpc import Vpc, VpcArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = aws.iam.Role("wiki-dev-api", assume_role_policy=json.dumps(trust))
network = Vpc("wiki-dev-network", VpcArgs(nat="none"))
service = aws.ec2.SecurityGroup("wiki-dev-api", vpc_id=network.vpc_id, description="The API")

args = PostgresArgs(instance_class="db.t4g.micro", storage=Storage(max_gib=100), backup_days=14)
database = Postgres("wiki-dev-database", args, network=network)
database.allow_from(service.id, "api")
database.grant_connect(role)
