"""What a stack costs, from its resources and a list of prices. It knows neither Pulumi nor this project."""

from costs.endpoints import EndpointSaving, endpoint_saving
from costs.free_tier import FreeTierUse, free_tier_use, program
from costs.month import Line, Month, month
from costs.prices import HOURS_PER_MONTH, Price, UnpricedRegion, price, priced_regions

__all__ = [
    "HOURS_PER_MONTH",
    "EndpointSaving",
    "FreeTierUse",
    "Line",
    "Month",
    "Price",
    "UnpricedRegion",
    "endpoint_saving",
    "free_tier_use",
    "month",
    "price",
    "priced_regions",
    "program",
]
