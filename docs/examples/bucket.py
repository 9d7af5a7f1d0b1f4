"""Uploads under a key of their own, cheaper after a month; a second bucket records who reads them."""

from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.identity.key import Key, KeyArgs

key = Key("wiki-dev-data", KeyArgs(description="Data at rest of wiki-dev"))
archive = Bucket("wiki-dev-log-archive", BucketArgs(encryption="s3", receives_logs_from=["s3"]))

aged = LifecycleRule(transitions={"STANDARD_IA": 30}, delete_after_days=365)
Bucket("wiki-dev-uploads", BucketArgs(lifecycle=[aged]), key=key, access_logs=archive)
