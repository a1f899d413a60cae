"""Ready sends become requests, each at most once; what WhatsApp answered is written down."""
