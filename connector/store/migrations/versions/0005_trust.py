"""Running it in production: each part adds its own tables and columns in a function of its own."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    pass
