"""Running it in production: each part adds its own tables and columns in a function of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _forgetting()


# ---- lists of broadcasts are forgotten -----------------------------------------------------------------------------
def _forgetting() -> None:
    op.add_column("broadcasts", sa.Column("forgotten_at", sa.BigInteger(), nullable=True))
