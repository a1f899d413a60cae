"""Alembic's entry: the connection comes from `run`, already inside its transaction."""

from alembic import context

from connector.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
