"""Running it in production: each part adds its own tables and columns in a function of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _access()
    _audit()
    _observability()
    _forgetting()
    _secrets()


# ---- observability: totals, alarms -------------------------------------------------------------------------------
def _observability() -> None:
    op.create_table(
        "totals",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("a", sa.Text(), nullable=False),
        sa.Column("b", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", "a", "b"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alarms",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("hint", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    rings = sa.text("resolved_at IS NULL")
    op.create_index(
        "alarms_open", "alarms", ["code", "key"], unique=True, postgresql_where=rings, sqlite_where=rings
    )
    op.create_index("alarms_at", "alarms", ["at"], unique=False)
    op.create_table(
        "alarm_calls",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), server_default="", nullable=False),
        sa.Column("what", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    new = sa.text("state = 'new'")
    op.create_index("alarm_calls_new", "alarm_calls", ["next_at"], unique=False, postgresql_where=new, sqlite_where=new)
    op.create_index("alarm_calls_at", "alarm_calls", ["at"], unique=False)


# ---- lists of broadcasts are forgotten -----------------------------------------------------------------------------
def _forgetting() -> None:
    op.add_column("broadcasts", sa.Column("forgotten_at", sa.BigInteger(), nullable=True))


# ---- secrets and OAuth -------------------------------------------------------------------------------------------
def _secrets() -> None:
    op.create_table(
        "consents_asked",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("redirect_uri", sa.Text(), server_default="", nullable=False),
        sa.Column("verifier", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )


# ---- access: second factors, sessions, tokens ----------------------------------------------------------------------
def _access() -> None:
    op.add_column("users", sa.Column("totp", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("totp_new", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("users", sa.Column("totp_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "recovery_codes",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("recovery_codes_user", "recovery_codes", ["user"], unique=False)
    op.add_column("sessions", sa.Column("proved_at", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("agent", sa.Text(), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("network", sa.Text(), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("enrol", sa.Integer(), server_default="0", nullable=False))
    op.add_column("api_tokens", sa.Column("user", sa.Text(), nullable=True))
    op.add_column("api_tokens", sa.Column("scopes", sa.Text(), nullable=True))
    op.add_column("api_tokens", sa.Column("networks", sa.Text(), nullable=True))
    op.execute('UPDATE api_tokens SET "user" = (SELECT u.id FROM users AS u WHERE u.email = api_tokens.author)')


# ---- the audit log: a chain over its lines, and triggers that keep it one ------------------------------------------
def _audit() -> None:
    op.add_column("audit", sa.Column("digest", sa.Text(), server_default="", nullable=False))
    op.add_column("audit", sa.Column("hash", sa.Text(), server_default="", nullable=False))
    op.add_column("audit", sa.Column("erased", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("hash", sa.Text(), server_default="", nullable=False),
        sa.Column("born", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cut", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("anchor", sa.Text(), server_default="", nullable=False),
        sa.Column("seal", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    for statement in POSTGRES if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


# Gone may only be what retention has cut off (its chain keeps the anchor), and changed only what an erasure blanks,
# which says so: everything else is refused, by whomever.
KEPT = "NOT EXISTS (SELECT 1 FROM audit_chain WHERE OLD.seq <= cut)"
CHANGED = (
    "NEW.erased <> OLD.erased + 1 OR NEW.seq <> OLD.seq OR NEW.at <> OLD.at OR NEW.action <> OLD.action "
    "OR NEW.digest <> OLD.digest OR NEW.hash <> OLD.hash"
)
WHY = "the audit log is only added to"
SQLITE = (
    f"CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN {KEPT} BEGIN SELECT RAISE(ABORT, '{WHY}'); END",
    f"CREATE TRIGGER audit_same BEFORE UPDATE ON audit WHEN {CHANGED} BEGIN SELECT RAISE(ABORT, '{WHY}'); END",
)
POSTGRES = (
    f"""CREATE OR REPLACE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'TRUNCATE' THEN RAISE EXCEPTION '{WHY}'; END IF;
        IF TG_OP = 'DELETE' THEN IF {KEPT} THEN RAISE EXCEPTION '{WHY}'; END IF; RETURN OLD; END IF;
        IF {CHANGED} THEN RAISE EXCEPTION '{WHY}'; END IF;
        RETURN NEW;
    END $$""",
    "CREATE TRIGGER audit_guard BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_guard()",
    "CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_guard()",
)
