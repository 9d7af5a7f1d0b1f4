"""Fills an empty index from the bucket and the table, after the collection was lost.

    python -m wiki.rebuild [REPOSITORY …]      all repositories, unless some are named

No page is written anew: texts come from the bucket, only the vectors from the model. Jobs under way are broken off and
come back. Run twice, it does the work twice and leaves the same.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from wiki import logs
from wiki.index import Index
from wiki.model import Models
from wiki.pages import Writer
from wiki.settings import Settings
from wiki.store import Store


def rebuild(store: Store, index: Index, models: Models, repository: str) -> tuple[int, int]:
    """How many pages are in the index again, and how many have no text any more."""
    epoch = store.take_over(repository)
    if epoch is None:
        return 0, 0
    writer = Writer(
        store=store, index=index, model=models, model_name="", repository=repository, epoch=epoch, pause=time.sleep
    )
    done = lost = 0
    for page in store.pages(repository):
        text = store.text(repository, page.path, page.hash) if page.shown and page.hash else None
        if text is not None and page.hash is not None:
            writer.publish(writer.begin(page, page.hash), page.hash, text)
            done += 1
        elif page.shown:
            print(f"{repository}/{page.path}: its text is not in the bucket", file=sys.stderr)
            lost += 1
    return done, lost


def main(named: Sequence[str]) -> int:
    settings = Settings.read(os.environ)
    logs.write(settings.service, "WARNING")
    store, models = Store(settings), Models.of(settings)
    index = Index(settings.search_endpoint, settings.search_index, seconds=30)
    problems = 0
    for repository in named or [one["repository"] for one in store.repositories()]:
        done, lost = rebuild(store, index, models, repository)
        print(f"{repository}: {done} pages in the index")
        problems += lost
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
