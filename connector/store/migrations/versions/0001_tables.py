"""Every table of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table('accounts',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), server_default='', nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('settings', sa.Text(), nullable=False),
    sa.Column('secrets', sa.Text(), nullable=True),
    sa.Column('token', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), server_default='ok', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name'),
    sqlite_autoincrement=True
    )
    op.create_table('catalogue',
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('object', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('account', 'object'),
    sqlite_autoincrement=True
    )
    op.create_table('changes',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('lane', sa.Text(), nullable=False),
    sa.Column('object', sa.Text(), server_default='', nullable=False),
    sa.Column('record', sa.Text(), server_default='', nullable=False),
    sa.Column('kind', sa.Text(), server_default='', nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), server_default='new', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('next_at', sa.BigInteger(), nullable=True),
    sa.Column('started_at', sa.BigInteger(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('done_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('seq'),
    sa.UniqueConstraint('event', 'account', 'ordinal', name='changes_once'),
    sqlite_autoincrement=True
    )
    op.create_index('changes_pending', 'changes', ['account', 'seq'], unique=False, postgresql_where=sa.text("state IN ('new', 'in_flight')"), sqlite_where=sa.text("state IN ('new', 'in_flight')"))
    op.create_index('changes_pending_lane', 'changes', ['lane', 'account'], unique=False, postgresql_where=sa.text("state IN ('new', 'in_flight')"), sqlite_where=sa.text("state IN ('new', 'in_flight')"))
    op.create_index('changes_pending_record', 'changes', ['account', 'record'], unique=False, postgresql_where=sa.text("state IN ('new', 'in_flight')"), sqlite_where=sa.text("state IN ('new', 'in_flight')"))
    op.create_index('changes_record', 'changes', ['account', 'record', 'seq'], unique=False)
    op.create_index('changes_refused', 'changes', ['event'], unique=False, postgresql_where=sa.text("state = 'refused'"), sqlite_where=sa.text("state = 'refused'"))
    op.create_index('changes_review', 'changes', ['seq'], unique=False, postgresql_where=sa.text("state = 'review'"), sqlite_where=sa.text("state = 'review'"))
    op.create_table('consents',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('category', sa.Text(), server_default='', nullable=False),
    sa.Column('state', sa.Text(), server_default='', nullable=False),
    sa.Column('how', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('evidence', sa.Text(), server_default='', nullable=False),
    sa.Column('event', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('seq'),
    sqlite_autoincrement=True
    )
    op.create_index('consents_contact', 'consents', ['contact', 'category', 'seq'], unique=False)
    op.create_table('contact_keys',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('kind', 'value', 'contact'),
    sqlite_autoincrement=True
    )
    op.create_index('contact_keys_contact', 'contact_keys', ['contact'], unique=False)
    op.create_index('contact_keys_identity', 'contact_keys', ['kind', 'value'], unique=True, postgresql_where=sa.text("kind IN ('bsuid', 'wa_id')"), sqlite_where=sa.text("kind IN ('bsuid', 'wa_id')"))
    op.create_table('contacts',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('merged_into', sa.Text(), nullable=True),
    sa.Column('last_inbound_at', sa.BigInteger(), nullable=True),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_table('counters',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('n', sa.BigInteger(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('name'),
    sqlite_autoincrement=True
    )
    op.create_table('crm_links',
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('object', sa.Text(), server_default='', nullable=False),
    sa.Column('record_id', sa.Text(), server_default='', nullable=False),
    sa.Column('found_by', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('contact', 'account'),
    sqlite_autoincrement=True
    )
    op.create_index('crm_links_record', 'crm_links', ['account', 'record_id'], unique=False)
    op.create_table('deliveries',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('received_at', sa.BigInteger(), nullable=False),
    sa.Column('headers', sa.Text(), server_default='{}', nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.Text(), server_default='new', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('seq'),
    sqlite_autoincrement=True
    )
    op.create_index('deliveries_dead', 'deliveries', ['seq'], unique=False, postgresql_where=sa.text("state = 'dead'"), sqlite_where=sa.text("state = 'dead'"))
    op.create_index('deliveries_id', 'deliveries', ['id'], unique=False)
    op.create_index('deliveries_new', 'deliveries', ['seq'], unique=False, postgresql_where=sa.text("state = 'new'"), sqlite_where=sa.text("state = 'new'"))
    op.create_table('document_versions',
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), server_default='', nullable=False),
    sa.Column('author', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), server_default='draft', nullable=False),
    sa.PrimaryKeyConstraint('document', 'n'),
    sqlite_autoincrement=True
    )
    op.create_index('document_versions_live', 'document_versions', ['document'], unique=False, postgresql_where=sa.text("state = 'live'"), sqlite_where=sa.text("state = 'live'"))
    op.create_table('documents',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), server_default='', nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name'),
    sqlite_autoincrement=True
    )
    op.create_table('events',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), sa.Identity(always=False), autoincrement=True, nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('delivery', sa.Text(), nullable=True),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('dedupe_key', sa.Text(), nullable=False),
    sa.Column('lane', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), server_default='', nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.Column('received_at', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), server_default='new', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('next_at', sa.BigInteger(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('seq'),
    sa.UniqueConstraint('dedupe_key', 'account', name='events_dedupe'),
    sa.UniqueConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_index('events_dead', 'events', ['seq'], unique=False, postgresql_where=sa.text("state = 'dead'"), sqlite_where=sa.text("state = 'dead'"))
    op.create_index('events_delivery', 'events', ['delivery'], unique=False)
    op.create_index('events_lane', 'events', ['lane', 'seq'], unique=False)
    op.create_index('events_new', 'events', ['seq'], unique=False, postgresql_where=sa.text("state = 'new'"), sqlite_where=sa.text("state = 'new'"))
    op.create_table('numbers',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), server_default='', nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('display', sa.Text(), server_default='', nullable=False),
    sa.Column('throughput', sa.Integer(), nullable=True),
    sa.Column('tier', sa.Text(), server_default='', nullable=False),
    sa.Column('health', sa.Text(), server_default='', nullable=False),
    sa.Column('state', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_table('parks',
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('until', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('scope', 'key'),
    sqlite_autoincrement=True
    )
    op.create_table('plans',
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('event_seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('lane', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), server_default='new', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('next_at', sa.BigInteger(), nullable=True),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('done_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('event', 'account'),
    sqlite_autoincrement=True
    )
    op.create_index('plans_dead', 'plans', ['event_seq'], unique=False, postgresql_where=sa.text("state = 'dead'"), sqlite_where=sa.text("state = 'dead'"))
    op.create_index('plans_lane', 'plans', ['lane', 'account'], unique=False, postgresql_where=sa.text("state = 'new'"), sqlite_where=sa.text("state = 'new'"))
    op.create_index('plans_new', 'plans', ['account', 'event_seq'], unique=False, postgresql_where=sa.text("state = 'new'"), sqlite_where=sa.text("state = 'new'"))
    op.create_table('sends',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('lane', sa.Text(), nullable=True),
    sa.Column('number', sa.Text(), server_default='', nullable=False),
    sa.Column('document', sa.Text(), server_default='', nullable=False),
    sa.Column('template', sa.Text(), server_default='', nullable=False),
    sa.Column('step', sa.Text(), server_default='', nullable=False),
    sa.Column('category', sa.Text(), server_default='', nullable=False),
    sa.Column('to', sa.Text(), server_default='', nullable=False),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('buttons', sa.Text(), nullable=True),
    sa.Column('record', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), server_default='waiting', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('label', sa.Text(), server_default='', nullable=False),
    sa.Column('next_at', sa.BigInteger(), nullable=True),
    sa.Column('wamid', sa.Text(), nullable=True),
    sa.Column('rank', sa.Integer(), server_default='0', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('answered_by', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('cause'),
    sa.UniqueConstraint('wamid'),
    sqlite_autoincrement=True
    )
    op.create_index('sends_lane', 'sends', ['lane', 'at'], unique=False)
    op.create_index('sends_pending', 'sends', ['number', 'next_at'], unique=False, postgresql_where=sa.text("state IN ('waiting', 'ready', 'in_flight', 'unknown')"), sqlite_where=sa.text("state IN ('waiting', 'ready', 'in_flight', 'unknown')"))
    op.create_table('statuses',
    sa.Column('wamid', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('send', sa.Text(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('wamid', 'status', 'event'),
    sqlite_autoincrement=True
    )
    op.create_index('statuses_send', 'statuses', ['send'], unique=False)
    op.create_table('tasks',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), server_default='', nullable=False),
    sa.Column('args', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), server_default='new', nullable=False),
    sa.Column('done', sa.Integer(), server_default='0', nullable=False),
    sa.Column('total', sa.Integer(), server_default='0', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('result', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_table('templates',
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('template_id', sa.Text(), server_default='', nullable=False),
    sa.Column('status', sa.Text(), server_default='', nullable=False),
    sa.Column('category', sa.Text(), server_default='', nullable=False),
    sa.Column('quality', sa.Text(), server_default='', nullable=False),
    sa.Column('components', sa.Text(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('account', 'name', 'language'),
    sqlite_autoincrement=True
    )
