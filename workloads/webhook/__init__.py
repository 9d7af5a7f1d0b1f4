"""Webhooks: one function takes a delivery to a queue, another keeps it once, a third counts what is kept.

A fourth takes pushes to the queue of a wiki's jobs.
"""
