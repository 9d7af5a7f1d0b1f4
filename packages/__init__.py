"""What functions run: a zip of each workload's own code, and a layer of what it needs, built for Lambda.

`make packages` (part of every target that needs them) builds what is missing or stale; the program only reads.
"""
