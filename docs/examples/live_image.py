"""The image that runs, as a parameter says that a pipeline writes; a new stack begins with 1.4.2."""

from components.compute.live_image import LiveImage, LiveImageArgs
from components.compute.repository import Repository, RepositoryArgs

repository = Repository("wiki-dev-api", RepositoryArgs())
args = LiveImageArgs(parameter="/wiki/dev/api/image-tag", first_tag="1.4.2")
LiveImage("wiki-dev-api", args, repository=repository)
