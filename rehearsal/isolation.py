"""What the AWS SDK finds in the environment of a rehearsal's processes: the emulated account, and no way to a real one.

The variables are those of https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html. Every other that
begins like them goes: profiles, roles, endpoints of single services, addresses that hand out credentials.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Final

LOOPBACK: Final = "127.0.0.1"

_CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "rehearsal",
    "AWS_SECRET_ACCESS_KEY": "rehearsal",
    "AWS_SESSION_TOKEN": "rehearsal",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def isolate(environment: MutableMapping[str, str]) -> None:
    """Take from `environment` whatever leads to a real account, and leave credentials that are good for nothing."""
    for name in [name for name in environment if name.startswith(("AWS_", "BOTO_"))]:
        del environment[name]
    environment.update(_CREDENTIALS)


def lead_to(address: str, region: str, environment: MutableMapping[str, str], caller: str) -> None:
    """Isolate `environment`, and have the AWS SDK ask the emulated account at `address` instead.

    The token says who asks: passes run side by side, and what each is answered must not depend on which was first.
    """
    isolate(environment)
    environment.update(
        {
            "AWS_SESSION_TOKEN": f"rehearsal-{caller}",
            "AWS_ENDPOINT_URL": address,
            # Some services put the account before the host's name: that is no address on this machine.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }
    )
    # A proxy would be asked for this machine's address too, and it is elsewhere.
    for name in ("NO_PROXY", "no_proxy"):
        others = environment.get(name)
        environment[name] = f"{others},{LOOPBACK}" if others else LOOPBACK
