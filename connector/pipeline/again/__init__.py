"""Judged again: tried, replayed, made a test of, answered by a person, retried, undone."""
