"""The emulated AWS account: moto in process, behind a pipe.

`server` answers the passes, which ask by `client`; `account` sends strictly checked requests to moto; `requests` turns
a resource's inputs into a request by the AWS service model; `specs` says, type by type, what the model cannot;
`references` finds ids that nobody made; `lookups` answers the program's invokes.
"""
