"""How changes get from a repository to AWS."""
