"""The stand-in for HubSpot: `service` routes, one file for each of its APIs, `store` keeps the records."""
