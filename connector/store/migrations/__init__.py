"""Alembic's migrations, inside the package so that a wheel has them; they only add (architecture 5, Upgrades)."""
