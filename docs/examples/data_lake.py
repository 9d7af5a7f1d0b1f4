"""Three zones, one table over the last of them, and an analyst who may ask it."""

import json

import pulumi_aws as aws

from components.analytics.data_lake import Catalogue, DataLake, DataLakeArgs, LakeTable
from components.analytics.workgroup import Results
from components.data.bucket import Bucket, BucketArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}],
}
analyst = aws.iam.Role("chat-dev-analyst", assume_role_policy=json.dumps(trust))
zones = {zone: Bucket(f"chat-dev-lake-{zone}", BucketArgs()) for zone in ("raw", "clean", "curated")}
users = LakeTable(zone="curated", description="A row a day", columns={"users": "bigint"}, partitions={"day": "date"})
answers = Bucket("chat-dev-lake-results", BucketArgs())

lake = DataLake(
    "chat-dev-lake",
    DataLakeArgs(),
    catalogue=Catalogue(zones=zones, tables={"users": users}),
    results=Results(bucket=answers),
)
lake.grant_read("curated", analyst)
lake.grant_query(analyst)
