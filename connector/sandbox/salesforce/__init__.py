"""The stand-in for Salesforce: `service` routes, one file for each of its APIs, `store` keeps the records."""
