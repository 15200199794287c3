"""Policy as data: four documents in, a compiled policy out, and what it says of a case. Pure."""

from app.core.policy.assess import assess, band_of
from app.core.policy.compile import compile_policy
from app.core.policy.documents import PolicyDocuments, changed_files, duration, snapshot_hash
from app.core.policy.model import Ending, Policy, RoleSpec
from app.core.policy.schema import json_schema

__all__ = [
    "Ending",
    "Policy",
    "PolicyDocuments",
    "RoleSpec",
    "assess",
    "band_of",
    "changed_files",
    "compile_policy",
    "duration",
    "json_schema",
    "snapshot_hash",
]
