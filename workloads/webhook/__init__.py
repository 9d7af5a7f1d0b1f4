"""Webhooks: one function takes a delivery and hands it to a queue, another takes it from there and keeps it once."""
