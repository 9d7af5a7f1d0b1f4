"""Creates the indexes of a collection, on Lambda."""
