"""Fluent Bit, which tasks fetch their configuration for from one bucket, and which writes every record to another."""

from pathlib import Path

from components.compute.log_router import LogRouter, LogRouterArgs
from components.data.bucket import Bucket, BucketArgs

archive = Bucket("wiki-dev-log-archive", BucketArgs(encryption="s3"))
bucket = Bucket("wiki-dev-config", BucketArgs())
LogRouter(
    "wiki-dev-log-router",
    LogRouterArgs(cpu=64, memory=192),
    files=Path("workloads/log-router"),
    bucket=bucket,
    archive=archive,
)
