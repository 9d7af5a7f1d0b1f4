"""SQL over the logs that one service leaves in the archive; answers are kept for a while in a bucket of their own."""

from components.analytics.log_table import LogTable, LogTableArgs
from components.analytics.workgroup import Results
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule

archive = Bucket("wiki-dev-log-archive", BucketArgs(encryption="s3"))
answers = Bucket("wiki-dev-query-results", BucketArgs(lifecycle=[LifecycleRule(delete_after_days=30)]))

LogTable("wiki-dev-app-logs", LogTableArgs(services=["api"]), logs=archive, results=Results(bucket=answers))
