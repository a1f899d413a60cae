"""What sets a message off: CRM events, times and polls; which documents fire, and for whom, in one claim."""
