"""A pipeline to production, without staging: tests, images, a plan, a person, and what was planned."""

from components.data.bucket import Bucket, BucketArgs
from components.delivery.pipeline import Pipeline, PipelineArgs
from components.delivery.pipeline_work import Work

SPEC = "{version: 0.2, phases: {build: {commands: [make]}}}"

args = PipelineArgs(
    repository="acme/wiki",
    connection="arn:aws:codeconnections:ap-northeast-1:123456789012:connection/0123abcd",
    ignore_paths=["docs/**"],
)
Pipeline(
    "wiki-prod-pipeline",
    args,
    work={
        "test": Work(spec=SPEC),
        "build": Work(spec=SPEC, docker=True),
        "plan": Work(spec=SPEC),
        "production": Work(spec=SPEC),
    },
    bucket=Bucket("wiki-prod-pipeline-store", BucketArgs()),
    released="/wiki/prod/pipeline/released",
)
