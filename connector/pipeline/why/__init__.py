"""The why of one event: what judged it, what it wrote and sent, and what stands around it."""
