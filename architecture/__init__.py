"""How the components join: one function for each layer."""
