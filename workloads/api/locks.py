"""The advisory locks of the api's programs, which share one database: each has a number of its own.

Any numbers, but the same ones in every version: programs of two versions run side by side during a deployment.
"""

from __future__ import annotations

ITEMS_TABLE, MIGRATIONS, USAGE_TABLE, CONVERSATIONS_TABLES = range(7_201_938_455, 7_201_938_459)
