"""A small application: over HTTP health, readiness and a store of items (`python -m api`), and from a queue jobs on
that store (`python -m api.worker`). One image holds both.

The folder above this one goes on the path; the application is then what `api.main:from_environment` makes, whatever
serves it.
"""
