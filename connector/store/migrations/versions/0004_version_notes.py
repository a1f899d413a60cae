"""why a version was made: a note beside its author

Revision ID: 0004
Revises: 0003
"""
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("document_versions", sa.Column("note", sa.Text(), server_default="", nullable=False))
