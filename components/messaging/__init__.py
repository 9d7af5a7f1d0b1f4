"""Queues, events, schedules and the workflows that they start."""
