"""The stand-in for Meta: `service` routes; the business, its customers and their phones, templates, webhooks."""
