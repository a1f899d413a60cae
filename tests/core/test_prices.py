"""The price table: dated, by market; what it does not know has no price."""

from decimal import Decimal

import pytest

from connector.core import phone, prices


def test_the_shipped_table_has_a_date_a_source_and_one_market_a_country() -> None:
    found = prices.shipped()
    assert found.effective.isoformat() == "2026-07-01"
    assert found.source
    assert len(found.markets) > 30
    assert found.price("CO", "MARKETING") == Decimal("0.0104")
    assert all(phone.is_country(country) for country in found.countries)
    assert all(set(prices.CATEGORIES) == set(market) for market in found.markets.values())


UNKNOWN = [("XK", "marketing"), (None, "marketing"), ("", "utility"), ("CO", "x")]


@pytest.mark.parametrize(("country", "category"), UNKNOWN)
def test_what_it_does_not_know_is_no_guess(country: str | None, category: str) -> None:
    assert prices.shipped().price(country, category) is None


@pytest.mark.parametrize("text", ["", "x", 'effective = "2026-01-01"', 'effective = "soon"\n[markets]'])
def test_a_table_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        prices.read(text)


def test_a_country_in_two_markets_is_told() -> None:
    text = 'effective = "2026-01-01"\nchecked = "2026-01-01"\ncurrency = "EUR"\n'
    text += "[markets.A]\ncountries = ['CO']\n[markets.B]\ncountries = ['CO']\n"
    with pytest.raises(ValueError, match="two markets"):
        prices.read(text)
