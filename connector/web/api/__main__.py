"""Prints the description of the API: `make docs` keeps it in docs/openapi.json."""

import json

from connector.web.api import CALLS
from connector.web.api.described import description

print(json.dumps(description(CALLS), indent=1, ensure_ascii=False))
