"""The console, a whole business and a real web process, as their own rooms make them."""

from tests.pipeline.conftest import house
from tests.web.conftest import shop, start, web, web_home
from tests.web.console import clock, console, make_console

__all__ = ["clock", "console", "house", "make_console", "shop", "start", "web", "web_home"]
