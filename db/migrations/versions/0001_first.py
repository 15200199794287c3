"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "cases",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("is_open", sa.Integer(), nullable=False),
        sa.Column("tier", TEXT, nullable=False),
        sa.Column("ticket_id", TEXT, nullable=False),
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("cases_by_customer", "cases", ["customer_id", "created_at", "id"])
    op.create_index("cases_by_queue", "cases", ["queue", "created_at", "id"])
    op.create_index("cases_by_state", "cases", ["state", "created_at", "id"])
    op.create_index("cases_by_ticket", "cases", ["ticket_id", "created_at", "id"])
    op.create_index("cases_by_time", "cases", ["created_at", "id"])
    op.create_index("one_open_case_a_ticket", "cases", ["ticket_id"], unique=True, **where("is_open = 1"))
    op.create_table(
        "checkpoints",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("size", BIG, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "events",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=True),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index("events_by_case", "events", ["case_id", "seq"])
    op.create_table(
        "log_head",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "policy_snapshots",
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("documents", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "queue_counters",
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.create_table(
        "office",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lane", TEXT, nullable=False),
        sa.Column("destination", TEXT, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("pace", TEXT, nullable=False),
        sa.Column("effect_type", TEXT, nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("blocking", sa.Integer(), nullable=False),
        sa.Column("ready", sa.Integer(), nullable=False),
        sa.Column("due_at", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", TEXT, nullable=True),
        sa.Column("worker", TEXT, nullable=False),
        sa.Column("lease_until", TEXT, nullable=True),
        sa.Column("maybe_sent", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("settled_at", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "outbox_backlog", "outbox", ["destination", "created_at"], **where("status IN ('pending', 'claimed')")
    )
    op.create_index("outbox_by_case", "outbox", ["case_id", "number"])
    op.create_index("outbox_lane", "outbox", ["lane", "number"], **where("blocking = 1"))
    op.create_index("outbox_leases", "outbox", ["lease_until"], **where("status = 'claimed'"))
    op.create_index(
        "outbox_ready", "outbox", ["destination", "pace", "priority", "created_at", "number", "id"], **where("ready = 1")
    )
    op.create_index(
        "outbox_stuck", "outbox", ["status", "created_at", "id"], **where("status IN ('dead', 'indeterminate', 'held')")
    )
    op.create_table(
        "packet_messages",
        sa.Column("channel_id", TEXT, nullable=False),
        sa.Column("ts", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("packet_key", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("channel_id", "ts"),
    )
    op.create_table(
        "queue_entries",
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("due_at", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("case_id", "channel"),
    )
    op.create_index("queue_next", "queue_entries", ["channel", "rank", "created_at", "case_id"])
    op.create_index("queue_oldest", "queue_entries", ["channel", "created_at"])
    op.create_index("queue_overdue", "queue_entries", ["channel", "due_at"])
    op.create_table(
        "timers",
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("due_at", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.PrimaryKeyConstraint("case_id", "key"),
    )
    op.create_index("timers_due", "timers", ["due_at", "key", "case_id"])

    log_head = sa.table("log_head", sa.column("id", sa.Integer), sa.column("frontier", sa.LargeBinary))
    op.bulk_insert(log_head, [{"id": 1, "frontier": (0).to_bytes(8, "big")}])
