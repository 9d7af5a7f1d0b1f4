"""A cache with a replica in another zone, and alarms on both nodes."""

from components.alarms import AlarmTopics
from components.data.cache import Cache
from components.data.cache_args import CacheArgs
from components.network.vpc import Vpc, VpcArgs

network = Vpc("wiki-dev-network", VpcArgs(nat="none"))
topics = AlarmTopics(
    critical="arn:aws:sns:ap-northeast-1:123456789012:critical",
    warning="arn:aws:sns:ap-northeast-1:123456789012:warning",
)

cache = Cache("wiki-dev-cache", CacheArgs(node_type="cache.t4g.micro", replicas=1), network=network)
cache.alarms(topics)
