"""The real Pulumi engine on the emulated AWS: what happens after a stack's first deployment."""
