"""The product's journeys: a room for each stage and noun. Which may know which is in pyproject.toml."""
