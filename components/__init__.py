"""Reusable building blocks of an AWS system, grouped as a reader would draw them."""
