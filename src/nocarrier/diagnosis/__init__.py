"""From facts to causes: what is wrong, why that is known, and what to do. Pure."""

from nocarrier.diagnosis.causes import CAUSES
from nocarrier.diagnosis.engine import diagnose
from nocarrier.diagnosis.facts import Facts, derive

__all__ = ["CAUSES", "Facts", "derive", "diagnose"]
