"""Builds of every push to main; the results go to a bucket."""

from components.data.bucket import Bucket, BucketArgs
from components.delivery.build import Build, BuildArgs

SPEC = """
version: 0.2
phases: {build: {commands: [make]}}
artifacts: {files: [dist/**/*], name: $CODEBUILD_RESOLVED_SOURCE_VERSION}
"""

args = BuildArgs(
    repository="acme/wiki",
    connection="arn:aws:codeconnections:ap-northeast-1:123456789012:connection/0123abcd",
)
Build("wiki-dev-build", args, spec=SPEC, bucket=Bucket("wiki-dev-builds", BucketArgs()))
