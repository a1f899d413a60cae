"""Conversations, who is talked with by a person, windows of each number; messages of one person in order."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _conversations()


def _partial(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, postgresql_where=where, sqlite_where=where)


# ---- conversations -----------------------------------------------------------------------------------------------
def _conversations() -> None:
    op.create_table('conversations',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), server_default='', nullable=False),
    sa.Column('number', sa.Text(), server_default='', nullable=False),
    sa.Column('flow', sa.Text(), server_default='', nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('step', sa.Text(), server_default='', nullable=False),
    sa.Column('waits', sa.Text(), server_default='', nullable=False),
    sa.Column('state', sa.Text(), nullable=True),
    sa.Column('revision', sa.Integer(), server_default='0', nullable=False),
    sa.Column('wake_at', sa.BigInteger(), nullable=True),
    sa.Column('woken', sa.Integer(), server_default='0', nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=True),
    sa.Column('asked', sa.Text(), nullable=True),
    sa.Column('outcome', sa.Text(), server_default='', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('started_at', sa.BigInteger(), nullable=False),
    sa.Column('moved_at', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('started_by', sa.Text(), nullable=True),
    sa.Column('ended_by', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    runs = "ended_at IS NULL"
    _partial('conversations_running', 'conversations', ['contact'], runs, unique=True)
    _partial('conversations_wake', 'conversations', ['wake_at'], f"{runs} AND woken = 0")
    _partial('conversations_asked', 'conversations', ['asked'], runs)
    _partial('conversations_steps', 'conversations', ['flow', 'step'], runs)
    op.create_index('conversations_contact', 'conversations', ['contact', 'started_at'])
    op.create_index('conversations_flow', 'conversations', ['flow', 'id'])
    op.create_index('conversations_started_by', 'conversations', ['started_by'])
    op.create_index('conversations_ended_by', 'conversations', ['ended_by'])
    op.create_table('holds',
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('why', sa.Text(), server_default='', nullable=False),
    sa.Column('text', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=True),
    sa.Column('event', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('contact'),
    sqlite_autoincrement=True
    )
    _partial('holds_until', 'holds', ['until'], "until IS NOT NULL")
    op.create_table('windows',
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('contact', 'number'),
    sqlite_autoincrement=True
    )
    op.add_column('sends', sa.Column('behind', sa.Text(), nullable=True))
