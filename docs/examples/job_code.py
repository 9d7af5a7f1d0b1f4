"""The files of a folder of jobs, in a bucket."""

import tempfile
from pathlib import Path

from components.analytics.job_code import JobCode, JobCodeArgs
from components.data.bucket import Bucket, BucketArgs

folder = Path(tempfile.mkdtemp())
(folder / "count.py").write_text("print('a job')\n", encoding="utf-8")

JobCode("chat-dev-code", JobCodeArgs(folder=folder, scripts=["count.py"]), bucket=Bucket("chat-dev-code", BucketArgs()))
