"""A small application over HTTP: health, readiness, and a store of items.

The folder above this one goes on the path; the application is then what `api.main:from_environment` makes, whatever
serves it.
"""
