"""Guardrails: what customers' messages carry, what replies must not say. Pure; the policy is data."""

from app.core.guards.document import Template, Topic, json_schema
from app.core.guards.mask import mask
from app.core.guards.rules import Rules, compile_rules
from app.core.guards.scan import ScanContext, scan

__all__ = ["Rules", "ScanContext", "Template", "Topic", "compile_rules", "json_schema", "mask", "scan"]
