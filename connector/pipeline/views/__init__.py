"""What pages, commands and the API read: rows shaped for a person, nothing decided."""
