"""One message to many: its people, its forecast, its plan, a person's hand on it, and what came of it."""
