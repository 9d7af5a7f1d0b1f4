"""A wiki of repositories, written by a model and searched by words and by meaning: over HTTP (`python -m wiki`), and
from a queue in order per repository (`python -m wiki.worker`). One image holds both.

What a page consists of lies in three places: its text in S3, its record in DynamoDB, its pieces in an index of
OpenSearch Serverless. The record decides: what it does not name is not shown, and goes with the next run.

The variables that the programs are told, and what their roles may do, are in docs/wiki.md.
"""
