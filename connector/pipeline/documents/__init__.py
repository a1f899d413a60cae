"""Documents and what they stand on: published, compiled once, shadowed, watched for drift; templates, fields."""
