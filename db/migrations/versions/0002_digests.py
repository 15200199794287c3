"""Digests: one Slack message about several cases."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "digests",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("made_at", TEXT, nullable=False),
        sa.Column("has_room", sa.Integer(), nullable=False),
        sa.Column("is_posted", sa.Integer(), nullable=False),
        sa.Column("is_over", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("digests_with_room", "digests", ["channel", "key"], **where("has_room = 1"))
    op.create_index("digests_not_over", "digests", ["channel", "key"], **where("is_over = 0"))
