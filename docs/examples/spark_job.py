"""A job that reads one zone of a lake and writes the next."""

import tempfile
from pathlib import Path

from components.analytics.data_lake import Catalogue, DataLake, DataLakeArgs
from components.analytics.job_code import JobCode, JobCodeArgs
from components.analytics.spark_job import JobSize, SparkJob, SparkJobArgs
from components.analytics.workgroup import Results
from components.data.bucket import Bucket, BucketArgs

folder = Path(tempfile.mkdtemp())
(folder / "count.py").write_text("print('a job')\n", encoding="utf-8")
code = JobCode(
    "chat-dev-files", JobCodeArgs(folder=folder, scripts=["count.py"]), bucket=Bucket("chat-dev-code", BucketArgs())
)
zones = {zone: Bucket(f"chat-dev-lake-{zone}", BucketArgs()) for zone in ("clean", "curated")}
lake = DataLake(
    "chat-dev-lake",
    DataLakeArgs(),
    catalogue=Catalogue(zones=zones, tables={}),
    results=Results(bucket=Bucket("chat-dev-lake-results", BucketArgs())),
)

count = SparkJob(
    "chat-dev-count",
    SparkJobArgs(script="count.py", size=JobSize(max_workers=4)),
    lake=lake,
    code=code,
    arguments={"--clean": lake.zone_url("clean")},
)
lake.grant_read("clean", count.role)
lake.grant_write("curated", count.role)
