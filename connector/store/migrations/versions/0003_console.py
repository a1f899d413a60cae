"""The console: people, sessions, tokens, audit, tasks that go on, figures and snapshots that pages show."""

import sqlalchemy as sa
from alembic import op

from connector.core.text import words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table('api_tokens',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('hash', sa.Text(), nullable=False),
    sa.Column('hint', sa.Text(), server_default='', nullable=False),
    sa.Column('role', sa.Text(), server_default='viewer', nullable=False),
    sa.Column('author', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('used_at', sa.BigInteger(), nullable=True),
    sa.Column('expires_at', sa.BigInteger(), nullable=True),
    sa.Column('revoked_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('hash'),
    sqlite_autoincrement=True
    )
    op.create_table('audit',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('who', sa.Text(), server_default='', nullable=False),
    sa.Column('action', sa.Text(), server_default='', nullable=False),
    sa.Column('object', sa.Text(), server_default='', nullable=False),
    sa.Column('detail', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('seq'),
    sqlite_autoincrement=True
    )
    op.create_table('contact_words',
    sa.Column('word', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
    sa.Column('contact', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('word', 'contact'),
    sqlite_autoincrement=True
    )
    op.create_index('contact_words_contact', 'contact_words', ['contact'], unique=False)
    op.create_table('erased_ids',
    sa.Column('hash', sa.Text(), nullable=False),
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('consents', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('hash'),
    sqlite_autoincrement=True
    )
    op.create_index('erased_ids_contact', 'erased_ids', ['contact'], unique=False)
    op.create_table('erasures',
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('who', sa.Text(), server_default='', nullable=False),
    sa.Column('state', sa.Text(), server_default='running', nullable=False),
    sa.Column('work', sa.Text(), nullable=True),
    sa.Column('counts', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('contact'),
    sqlite_autoincrement=True
    )
    op.create_table('figures',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('n', sa.BigInteger(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('kind', 'name', 'at'),
    sqlite_autoincrement=True
    )
    op.create_table('invites',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('user', sa.Text(), nullable=True),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('used_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_table('sessions',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('user', sa.Text(), nullable=False),
    sa.Column('csrf', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('seen_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_index('sessions_user', 'sessions', ['user'], unique=False)
    op.create_table('settings',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('name'),
    sqlite_autoincrement=True
    )
    op.create_table('shadows',
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('differs', sa.Integer(), server_default='0', nullable=False),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('event', 'account', 'document', 'version'),
    sqlite_autoincrement=True
    )
    op.create_index('shadows_document', 'shadows', ['document', 'version', 'at'], unique=False)
    op.create_table('snapshots',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('name'),
    sqlite_autoincrement=True
    )
    op.create_table('tallies',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('upto', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('n', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('mark', sa.BigInteger(), nullable=True),
    sa.Column('horizon', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('name'),
    sqlite_autoincrement=True
    )
    op.create_table('throttles',
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('n', sa.Integer(), server_default='0', nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('key'),
    sqlite_autoincrement=True
    )
    op.create_table('users',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('password', sa.Text(), server_default='', nullable=False),
    sa.Column('role', sa.Text(), server_default='viewer', nullable=False),
    sa.Column('language', sa.Text(), server_default='', nullable=False),
    sa.Column('state', sa.Text(), server_default='active', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('seen_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('email'),
    sqlite_autoincrement=True
    )
    op.create_index('contacts_last', 'contacts', ['last_inbound_at', 'id'], unique=False)
    _partial('contacts_merged', 'contacts', ['merged_into'], "merged_into IS NOT NULL")
    _partial('events_dead_id', 'events', ['id'], "state = 'dead'")
    _partial('plans_dead_event', 'plans', ['event'], "state = 'dead'")
    _partial('changes_review_event', 'changes', ['event'], "state = 'review'")
    op.drop_index('sends_pending', 'sends')  # nothing asked by it
    _partial('sends_open', 'sends', ['id'], "state IN ('waiting', 'ready', 'in_flight', 'unknown')")
    _partial('sends_doubt', 'sends', ['event', 'id'], "state = 'unknown'")
    for state in ('failed', 'refused', 'expired', 'cancelled'):
        _partial(f'sends_{state}', 'sends', ['id'], f"state = '{state}'")
    op.create_index('events_told', 'events', ['seq'], unique=False, postgresql_where=sa.text("kind <> 'DeliveryStatus'"), sqlite_where=sa.text("kind <> 'DeliveryStatus'"))
    op.create_index('sends_at', 'sends', ['at'], unique=False)
    op.add_column('tasks', sa.Column('author', sa.Text(), server_default='', nullable=False))
    op.add_column('tasks', sa.Column('wish', sa.Text(), server_default='', nullable=False))
    op.add_column('tasks', sa.Column('error', sa.Text(), server_default='', nullable=False))
    op.add_column('tasks', sa.Column('started_at', sa.BigInteger(), nullable=True))
    op.add_column('tasks', sa.Column('beat_at', sa.BigInteger(), nullable=True))
    op.add_column('tasks', sa.Column('ended_at', sa.BigInteger(), nullable=True))
    op.add_column('tasks', sa.Column('cursor', sa.Text(), nullable=True))
    op.add_column('tasks', sa.Column('attempts', sa.Integer(), server_default='0', nullable=False))
    op.create_index('tasks_at', 'tasks', ['at'], unique=False)
    op.create_index('tasks_open', 'tasks', ['at'], unique=False, postgresql_where=sa.text("state IN ('new', 'running')"), sqlite_where=sa.text("state IN ('new', 'running')"))
    _words(op.get_bind())


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=False, postgresql_where=where, sqlite_where=where)


def _words(conn: sa.Connection) -> None:
    """The words of the names there are, a thousand contacts at a time."""
    contacts = sa.table('contacts', sa.column('id', sa.Text), sa.column('name', sa.Text))
    target = sa.table('contact_words', sa.column('word', sa.Text), sa.column('contact', sa.Text))
    query = sa.select(contacts.c.id, contacts.c.name).order_by(contacts.c.id).limit(1000)
    last = ''
    while page := conn.execute(query.where(contacts.c.id > last)).all():
        last = page[-1].id
        rows = [{'word': word, 'contact': row.id} for row in page for word in words(row.name)]
        if rows:
            conn.execute(sa.insert(target), rows)
    op.add_column("document_versions", sa.Column("note", sa.Text(), server_default="", nullable=False))
