"""What whoever deploys a stack must be allowed to do, and nothing more: from its rehearsal, as IAM policies."""
