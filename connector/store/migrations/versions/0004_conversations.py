"""Conversations, broadcasts, reports."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _reports()


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=False, postgresql_where=where, sqlite_where=where)


# ---- reports -----------------------------------------------------------------------------------------------------
def _reports() -> None:
    op.create_table('report_days',
    sa.Column('day', sa.BigInteger(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('template', sa.Text(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('n', sa.BigInteger(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('day', 'document', 'template', 'number', 'what', 'key'),
    sqlite_autoincrement=True
    )
    op.create_table('goals_reached',
    sa.Column('send', sa.Text(), nullable=False),
    sa.Column('document', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('send'),
    sqlite_autoincrement=True
    )
    op.add_column('sends', sa.Column('goal', sa.Text(), nullable=True))
    _partial('sends_goal', 'sends', ['goal'], "goal IS NOT NULL")
