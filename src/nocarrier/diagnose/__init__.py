"""From facts to causes: what is wrong, why that is known, and what to do. Pure."""

from nocarrier.diagnose.causes import CAUSES
from nocarrier.diagnose.engine import diagnose
from nocarrier.diagnose.facts import Facts, derive

__all__ = ["CAUSES", "Facts", "derive", "diagnose"]
