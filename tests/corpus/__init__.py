"""Deliberate mistakes, and which check must catch each."""
