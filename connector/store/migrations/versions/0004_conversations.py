"""Conversations, messages of every type, broadcasts and reports. Each part adds its own tables in a function of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _reports()
    _broadcasts()
    _conversations()
    _media()


def _partial(name: str, table: str, columns: list[str], condition: str, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, postgresql_where=where, sqlite_where=where)


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


# ---- broadcasts ------------------------------------------------------------------------------------------------------
def _broadcasts() -> None:
    op.add_column('sends', sa.Column('broadcast', sa.Text(), server_default='', nullable=False))
    where = sa.text("broadcast <> ''")
    op.create_index('sends_broadcast', 'sends', ['broadcast', 'state'], unique=False, postgresql_where=where, sqlite_where=where)
    op.create_table('broadcasts',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('document', sa.Text(), server_default='', nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('crm', sa.Text(), server_default='', nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('campaign', sa.Text(), server_default='', nullable=False),
    sa.Column('state', sa.Text(), server_default='draft', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('author', sa.Text(), server_default='', nullable=False),
    sa.Column('starter', sa.Text(), server_default='', nullable=False),
    sa.Column('task', sa.Text(), server_default='', nullable=False),
    sa.Column('forecast', sa.Text(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('start_at', sa.BigInteger(), nullable=True),
    sa.Column('started_at', sa.BigInteger(), nullable=True),
    sa.Column('planned_at', sa.BigInteger(), nullable=True),
    sa.Column('paused_at', sa.BigInteger(), nullable=True),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('page', sa.Integer(), server_default='0', nullable=False),
    sa.Column('cursor', sa.Text(), nullable=True),
    sa.Column('rows_read', sa.Integer(), server_default='0', nullable=False),
    sa.Column('planned', sa.Integer(), server_default='0', nullable=False),
    sa.Column('refused', sa.Integer(), server_default='0', nullable=False),
    sa.Column('total', sa.Integer(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('key'),
    sqlite_autoincrement=True
    )
    op.create_index('broadcasts_at', 'broadcasts', ['at'], unique=False)
    where = sa.text("state IN ('scheduled', 'planning', 'running')")
    op.create_index('broadcasts_open', 'broadcasts', ['state'], unique=False, postgresql_where=where, sqlite_where=where)
    op.create_table('broadcast_people',
    sa.Column('broadcast', sa.Text(), nullable=False),
    sa.Column('person', sa.Text(), nullable=False),
    sa.Column('line', sa.Integer(), server_default='0', nullable=False),
    sa.Column('phone', sa.Text(), server_default='', nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('contact', sa.Text(), nullable=True),
    sa.Column('record', sa.Text(), nullable=True),
    sa.Column('params', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), server_default='planned', nullable=False),
    sa.Column('code', sa.Text(), server_default='', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('send', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('broadcast', 'person'),
    sqlite_autoincrement=True
    )
    op.create_index('broadcast_people_line', 'broadcast_people', ['broadcast', 'line'], unique=False)
    op.create_index('broadcast_people_phone', 'broadcast_people', ['broadcast', 'phone'], unique=False)
    op.create_index('broadcast_people_contact', 'broadcast_people', ['contact'], unique=False)
    where = sa.text("send IS NOT NULL")
    op.create_index('broadcast_people_send', 'broadcast_people', ['send'], unique=False, postgresql_where=where, sqlite_where=where)
    op.create_table('uploads',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('size', sa.Integer(), server_default='0', nullable=False),
    sa.Column('author', sa.Text(), server_default='', nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_table('upload_parts',
    sa.Column('upload', sa.Text(), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('upload', 'n'),
    sqlite_autoincrement=True
    )


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


# ---- media: files that came in or go out ---------------------------------------------------------------------------
def _media() -> None:
    op.create_table(
        "media",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), server_default="in", nullable=False),
        sa.Column("account", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("event", sa.Text(), nullable=True),
        sa.Column("media_id", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("mime", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("declared", sa.Text(), server_default="", nullable=False),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account", "media_id", name="media_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("media_event", "media", ["event"], unique=False)
    op.create_index("media_at", "media", ["at"], unique=False)
    op.create_index("media_file", "media", ["media_id"], unique=False)
    new = sa.text("state = 'new'")
    op.create_index("media_new", "media", ["next_at"], unique=False, postgresql_where=new, sqlite_where=new)
    op.create_table(
        "media_ids",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("media_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", "media"),
        sqlite_autoincrement=True,
    )
    op.create_index("media_ids_new", "media_ids", ["next_at"], unique=False, postgresql_where=new, sqlite_where=new)
