"""What a stack costs, from its resources and a list of prices. It knows neither Pulumi nor this project."""
