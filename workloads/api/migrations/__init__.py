"""The steps by which the tables came to be what they are, in the order of their numbers."""
