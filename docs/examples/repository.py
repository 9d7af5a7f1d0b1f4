"""A repository that keeps the latest five images that have run, under a key of its own."""

from components.compute.repository import Repository, RepositoryArgs
from components.identity.key import Key, KeyArgs

key = Key("wiki-dev-data", KeyArgs(description="Data at rest of wiki-dev"))
Repository("wiki-dev-api", RepositoryArgs(keep_images=5), key=key)
