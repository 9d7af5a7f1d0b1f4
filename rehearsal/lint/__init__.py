"""The linter: every rehearsed resource as a CloudFormation fragment, checked against AWS's own schemas by cfn-lint.

The emulator accepts much that AWS does not: instance classes, engine versions and runtimes that do not exist, numbers
out of range, combinations of settings. `types` says which CloudFormation type a Pulumi type is, `fragments` brings the
inputs into its form, `linter` asks cfn-lint and says which of its findings do not count here.
"""
