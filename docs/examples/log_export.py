"""The logs of a database, flowing on into a folder of a bucket."""

from components.analytics.log_export import LogExport, LogExportArgs
from components.data.bucket import Bucket, BucketArgs

groups = {"database": "/aws/rds/instance/chat-dev-database/postgresql"}
LogExport("chat-dev-log-export", LogExportArgs(), log_groups=groups, bucket=Bucket("chat-dev-raw", BucketArgs()))
