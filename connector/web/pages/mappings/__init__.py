"""Mappings: the documents an admin writes, from the first draft to what they did."""

from flask import Blueprint

screen = Blueprint("mappings", __name__, url_prefix="/mappings")

from connector.web.pages.mappings import (  # noqa: E402 - each adds its views to the screen
    bringing,
    editing,
    flows,
    listing,
    replaying,
    running,
    trying,
    versions,
)

__all__ = ["bringing", "editing", "flows", "listing", "replaying", "running", "screen", "trying", "versions"]
