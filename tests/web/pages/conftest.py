"""What tests of pages take from the console's fixtures by name."""

from tests.web.console import PASSWORD, Browser, Console, FixedClock

__all__ = ["PASSWORD", "Browser", "Console", "FixedClock"]
