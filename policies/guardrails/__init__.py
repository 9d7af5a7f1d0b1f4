"""Rules for AWS resources and the kit they are written with."""
