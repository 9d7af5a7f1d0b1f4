"""The record of each request to a site, which CloudFront delivers to a bucket."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from ..children import Children
from ..data.log_delivery import CLOUDFRONT_PREFIX
from .site_args import US_EAST

# Neither cookies nor what stands behind a question mark, in which people and programs leave secrets, nor the referer,
# which repeats the address of the page before with what stands behind its question mark.
_LOGGED = (
    "date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status",
    "cs(User-Agent)", "x-edge-result-type", "x-edge-request-id", "x-host-header", "cs-protocol",
    "cs-bytes", "time-taken", "ssl-protocol", "ssl-cipher", "x-edge-response-result-type", "cs-protocol-version",
    "time-to-first-byte", "x-edge-detailed-result-type", "sc-content-type",
)  # fmt: skip


def log_requests(
    name: str, distribution_arn: pulumi.Input[str], bucket_arn: pulumi.Input[str], child: Children
) -> None:
    """Deliver what the distribution records, in us-east-1, where it is recorded."""
    source = aws.cloudwatch.LogDeliverySource(
        f"{name}-log-source",
        name=f"{name}-requests",
        log_type="ACCESS_LOGS",
        resource_arn=distribution_arn,
        region=US_EAST,
        tags={"Name": f"{name}-log-source"},
        opts=child("log_source"),
    )
    destination = aws.cloudwatch.LogDeliveryDestination(
        f"{name}-log-destination",
        name=f"{name}-requests",
        output_format="json",
        delivery_destination_configuration=aws.cloudwatch.LogDeliveryDestinationDeliveryDestinationConfigurationArgs(
            # With a prefix here AWS puts none of its own before the path below.
            destination_resource_arn=pulumi.Output.concat(bucket_arn, "/", CLOUDFRONT_PREFIX),
        ),
        region=US_EAST,
        tags={"Name": f"{name}-log-destination"},
        opts=child("log_destination"),
    )
    aws.cloudwatch.LogDelivery(
        f"{name}-log-delivery",
        delivery_source_name=source.name,
        delivery_destination_arn=destination.arn,
        record_fields=list(_LOGGED),
        s3_delivery_configurations=[
            aws.cloudwatch.LogDeliveryS3DeliveryConfigurationArgs(
                suffix_path="{DistributionId}/{yyyy}/{MM}/{dd}/{HH}", enable_hive_compatible_path=False
            )
        ],
        region=US_EAST,
        tags={"Name": f"{name}-log-delivery"},
        opts=child("log_delivery"),
    )
