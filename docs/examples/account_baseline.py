"""What an account has once, but for the trail, which another stack keeps; findings go to the topics."""

from components.data.bucket import Bucket, BucketArgs
from components.operations.account_baseline import AccountBaseline, AccountBaselineArgs
from components.operations.topics import Topics, TopicsArgs

topics = Topics("wiki-dev-alerts", TopicsArgs(emails=["ops@example.com"]), stem="wiki-dev").alarm_topics
archive = Bucket("wiki-dev-log-archive", BucketArgs(encryption="s3", receives_logs_from=["config"]))

baseline = AccountBaseline("wiki-dev-baseline", AccountBaselineArgs(trail="adopt"), config_bucket=archive)
baseline.alarms(topics)
