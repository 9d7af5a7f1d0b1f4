"""What a data lake's tables are and where they lie: buckets as zones, and tables of Parquet files in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from ..data.bucket import Bucket
from ..errors import Mistake, nearest
from .workgroup import Results

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


@dataclass(frozen=True, kw_only=True)
class LakeTable:
    """A table of Parquet files in a zone, under a folder of the table's name."""

    zone: str
    """The zone that it lies in."""

    description: str

    columns: Mapping[str, str]
    """Name → type, as Athena spells it."""

    partitions: Mapping[str, str]
    """The folders below, from the outside in. `day` is a date; each other one is a text from `partition_values`."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """What the lake's tables are, and where they lie."""

    zones: Mapping[str, Bucket]
    """Name → bucket, from what arrives to what is ready: raw, clean, curated."""

    tables: Mapping[str, LakeTable]
    """Tables whose columns are known. Athena works out their partitions by itself; nothing has to crawl them."""

    partition_values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The values that a text partition may have, such as the names of the services."""

    def mistakes(self, results: Results) -> Iterator[Mistake]:
        """What Athena would refuse, and zones that are not apart: grants are given by bucket."""
        known = sorted(self.zones)
        for name, table in self.tables.items():
            if table.zone not in self.zones:
                hint = nearest(table.zone, known)
                yield Mistake(("tables", name, "zone"), table.zone, f"is not a zone; {hint}use {', '.join(known)}")
            twice = set(table.columns) & set(table.partitions)
            if twice:
                where = ("tables", name, "columns")
                yield Mistake(where, min(twice), "is a partition too, and Athena refuses such a table; keep one")
            for partition, kind in table.partitions.items():
                if kind != "date" and not self.partition_values.get(partition):
                    where = ("tables", name, "partitions")
                    yield Mistake(where, partition, "has no values; give them in partition_values")
        seen: dict[int, str] = {}
        for zone, bucket in self.zones.items():
            other = seen.setdefault(id(bucket), zone)
            if other != zone:
                why = f"overlaps with {other}: both are one bucket; give each its own"
                yield Mistake(("zones", zone), zone, why)
            if results.bucket is bucket:
                yield Mistake("results", zone, "is a zone too, and its files would expire; give results their own")


def make_table(
    prefix: str,
    title: str,
    catalogue: Catalogue,
    first_day: str,
    database_name: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> aws.glue.CatalogTable:
    """One of its tables, in Glue, whose partitions Athena works out."""
    table = catalogue.tables[title]
    location = pulumi.Output.concat("s3://", catalogue.zones[table.zone].name, f"/{title}/")
    return aws.glue.CatalogTable(
        f"{prefix}-{title.replace('_', '-')}-table",
        name=title,
        database_name=database_name,
        description=table.description,
        table_type="EXTERNAL_TABLE",
        parameters={
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            **_projection(table, catalogue, first_day),
            "storage.location.template": location.apply(
                lambda prefix: prefix + "".join(f"{name}=${{{name}}}/" for name in table.partitions)
            ),
        },
        partition_keys=[
            aws.glue.CatalogTablePartitionKeyArgs(name=name, type=kind) for name, kind in table.partitions.items()
        ],
        storage_descriptor=aws.glue.CatalogTableStorageDescriptorArgs(
            location=location,
            columns=[
                aws.glue.CatalogTableStorageDescriptorColumnArgs(name=name, type=kind)
                for name, kind in table.columns.items()
            ],
            ser_de_info=aws.glue.CatalogTableStorageDescriptorSerDeInfoArgs(
                name="parquet", serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe"
            ),
            input_format=f"{_PARQUET}.MapredParquetInputFormat",
            output_format=f"{_PARQUET}.MapredParquetOutputFormat",
        ),
        opts=opts,
    )


def _projection(table: LakeTable, catalogue: Catalogue, first_day: str) -> dict[str, str]:
    """How Athena works out which folders exist, so that nobody has to register one every day."""
    found = {"projection.enabled": "true"}
    for name, kind in table.partitions.items():
        prefix = f"projection.{name}"
        if kind == "date":
            found |= {
                f"{prefix}.type": "date",
                f"{prefix}.format": "yyyy-MM-dd",
                f"{prefix}.range": f"{first_day},NOW+2DAYS",
            }
        else:
            found |= {f"{prefix}.type": "enum", f"{prefix}.values": ",".join(sorted(catalogue.partition_values[name]))}
    return found
