"""Sends of our own: templates, attempts, callbacks, record values, own writes, timers, findings."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table('callbacks',
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('callback', sa.Text(), nullable=False),
    sa.Column('send', sa.Text(), nullable=True),
    sa.Column('event', sa.Text(), nullable=True),
    sa.Column('wait_for', sa.Text(), server_default='reply', nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), server_default='waiting', nullable=False),
    sa.PrimaryKeyConstraint('account', 'callback'),
    sqlite_autoincrement=True
    )
    op.create_index('callbacks_waiting', 'callbacks', ['expires_at'], unique=False, postgresql_where=sa.text("state = 'waiting'"), sqlite_where=sa.text("state = 'waiting'"))
    op.create_table('cursors',
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('object', sa.Text(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('polled_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('account', 'object'),
    sqlite_autoincrement=True
    )
    op.create_table('findings',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), server_default='', nullable=False),
    sa.Column('hint', sa.Text(), server_default='', nullable=False),
    sa.Column('document', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('code', 'key'),
    sqlite_autoincrement=True
    )
    op.create_table('own_writes',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('object', sa.Text(), nullable=False),
    sa.Column('record', sa.Text(), nullable=False),
    sa.Column('field', sa.Text(), nullable=False),
    sa.Column('value_hash', sa.Text(), server_default='', nullable=False),
    sa.Column('started_at', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('used', sa.Integer(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('seq'),
    sqlite_autoincrement=True
    )
    op.create_index('own_writes_record', 'own_writes', ['account', 'record', 'field'], unique=False)
    op.create_index('own_writes_started', 'own_writes', ['started_at'], unique=False)
    op.create_table('record_values',
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('object', sa.Text(), nullable=False),
    sa.Column('record', sa.Text(), nullable=False),
    sa.Column('field', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('account', 'object', 'record', 'field'),
    sqlite_autoincrement=True
    )
    op.create_table('send_attempts',
    sa.Column('send', sa.Text(), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('lane', sa.Text(), nullable=True),
    sa.Column('number', sa.Text(), server_default='', nullable=False),
    sa.Column('started_at', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('text', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('send', 'n'),
    sqlite_autoincrement=True
    )
    op.create_index('send_attempts_lane', 'send_attempts', ['lane', 'started_at'], unique=False)
    op.create_table('timers',
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('next_at', sa.BigInteger(), nullable=False),
    sa.Column('spec', sa.Text(), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('document'),
    sqlite_autoincrement=True
    )
    op.add_column('numbers', sa.Column('verified_name', sa.Text(), server_default='', nullable=False))
    op.add_column('numbers', sa.Column('quality', sa.Text(), server_default='', nullable=False))
    op.add_column('numbers', sa.Column('profile', sa.Text(), nullable=True))
    op.add_column('numbers', sa.Column('checked_at', sa.BigInteger(), nullable=True))
    op.add_column('plans', sa.Column('journey', sa.Text(), server_default='reply', nullable=False))
    op.drop_index(op.f('plans_new'), table_name='plans', sqlite_where=sa.text("state = 'new'"))
    op.create_index('plans_new_journey', 'plans', ['account', 'journey', 'event_seq'], unique=False, postgresql_where=sa.text("state = 'new'"), sqlite_where=sa.text("state = 'new'"))
    op.add_column('sends', sa.Column('event', sa.Text(), nullable=True))
    op.add_column('sends', sa.Column('account', sa.Text(), server_default='', nullable=False))
    op.add_column('sends', sa.Column('crm', sa.Text(), server_default='', nullable=False))
    op.add_column('sends', sa.Column('version', sa.Integer(), server_default='0', nullable=False))
    op.add_column('sends', sa.Column('language', sa.Text(), server_default='', nullable=False))
    op.add_column('sends', sa.Column('priority', sa.Integer(), server_default='0', nullable=False))
    op.add_column('sends', sa.Column('user_id', sa.Text(), nullable=True))
    op.add_column('sends', sa.Column('person', sa.Text(), nullable=True))
    op.add_column('sends', sa.Column('context', sa.Text(), nullable=True))
    op.add_column('sends', sa.Column('callback', sa.Text(), nullable=True))
    op.add_column('sends', sa.Column('code', sa.Text(), server_default='', nullable=False))
    op.add_column('sends', sa.Column('who', sa.Text(), server_default='', nullable=False))
    op.add_column('sends', sa.Column('give_up_at', sa.BigInteger(), nullable=True))
    op.add_column('sends', sa.Column('attempts', sa.Integer(), server_default='0', nullable=False))
    op.add_column('sends', sa.Column('started_at', sa.BigInteger(), nullable=True))
    op.add_column('sends', sa.Column('ended_at', sa.BigInteger(), nullable=True))
    op.add_column('sends', sa.Column('pricing', sa.Text(), nullable=True))
    op.add_column('sends', sa.Column('tell', sa.Integer(), server_default='0', nullable=False))
    op.add_column('sends', sa.Column('told', sa.Integer(), server_default='0', nullable=False))
    op.add_column('sends', sa.Column('told_reply', sa.Integer(), server_default='0', nullable=False))
    op.create_index('sends_ended', 'sends', ['event'], unique=False, postgresql_where=sa.text("state IN ('failed', 'refused', 'expired', 'cancelled')"), sqlite_where=sa.text("state IN ('failed', 'refused', 'expired', 'cancelled')"))
    op.create_index('sends_event', 'sends', ['event'], unique=False)
    op.create_index('sends_held', 'sends', ['document'], unique=False, postgresql_where=sa.text("state IN ('waiting', 'ready')"), sqlite_where=sa.text("state IN ('waiting', 'ready')"))
    op.create_index('sends_in_flight', 'sends', ['number', 'started_at'], unique=False, postgresql_where=sa.text("state = 'in_flight'"), sqlite_where=sa.text("state = 'in_flight'"))
    op.create_index('sends_ready', 'sends', ['number', 'priority', 'next_at'], unique=False, postgresql_where=sa.text("state = 'ready'"), sqlite_where=sa.text("state = 'ready'"))
    op.create_index('sends_tell', 'sends', ['crm'], unique=False, postgresql_where=sa.text('tell = 1'), sqlite_where=sa.text('tell = 1'))
    op.create_index('sends_unknown', 'sends', ['number', 'started_at'], unique=False, postgresql_where=sa.text("state = 'unknown'"), sqlite_where=sa.text("state = 'unknown'"))
    op.create_index('sends_waiting', 'sends', ['crm', 'next_at'], unique=False, postgresql_where=sa.text("state = 'waiting'"), sqlite_where=sa.text("state = 'waiting'"))
    op.add_column('templates', sa.Column('format', sa.Text(), server_default='positional', nullable=False))
    op.add_column('templates', sa.Column('reason', sa.Text(), server_default='', nullable=False))
    op.add_column('templates', sa.Column('previous_category', sa.Text(), server_default='', nullable=False))
    op.add_column('templates', sa.Column('correct_category', sa.Text(), server_default='', nullable=False))
    op.add_column('templates', sa.Column('submitted_at', sa.BigInteger(), nullable=True))
    op.add_column('templates', sa.Column('synced_at', sa.BigInteger(), nullable=True))
