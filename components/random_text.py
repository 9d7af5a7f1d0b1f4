"""A text that nobody knows, for what is kept once and then left as it is."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws


def random_text(length: int, parent: pulumi.Resource) -> pulumi.Output[str]:
    """Letters and digits, a secret of the state. Another text at every run: what keeps it must ignore later ones."""
    value = aws.secretsmanager.get_random_password_output(
        password_length=length, exclude_punctuation=True, opts=pulumi.InvokeOptions(parent=parent)
    ).random_password
    return pulumi.Output.secret(value)
