"""What messages cost: a dated price table by market and category. A country it does not know has no price."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib import resources

CATEGORIES = ("marketing", "utility", "authentication")


@dataclass(frozen=True, slots=True)
class Prices:
    """One price table."""

    effective: date
    checked: date
    currency: str
    source: str
    markets: Mapping[str, Mapping[str, Decimal]]  # market -> category -> price of one message
    countries: Mapping[str, str]  # ISO country -> market

    def price(self, country: str | None, category: str) -> Decimal | None:
        """Of one delivered message; None = no price known."""
        market = self.countries.get(country or "")
        return self.markets[market].get(category.lower()) if market else None


def read(text: str) -> Prices:
    """A table from TOML; ValueError says what is wrong with it."""
    try:
        given = tomllib.loads(text, parse_float=Decimal)
        markets: dict[str, dict[str, Decimal]] = {}
        countries: dict[str, str] = {}
        for name, market in given["markets"].items():
            markets[name] = {c: Decimal(market[c]) for c in CATEGORIES if c in market}
            for country in market["countries"]:
                if countries.setdefault(str(country), name) != name:
                    raise ValueError(f"{country} stands in two markets: {countries[country]} and {name}")
        days = [date.fromisoformat(str(given[key])) for key in ("effective", "checked")]
        return Prices(days[0], days[1], str(given["currency"]), str(given.get("source", "")), markets, countries)
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"This is no price table: {type(error).__name__} {error}") from None


@lru_cache(maxsize=1)
def shipped() -> Prices:
    """The table that comes with this version."""
    return read(resources.files("connector.core").joinpath("prices.toml").read_text("utf-8"))
