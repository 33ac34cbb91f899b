"""From facts to causes: what is wrong, how that is known, and what to do about it.

Does no I/O and reads no clock. Never imports `dialing`, `recorder` or `probing`.
"""

from nocarrier.diagnosis.causes import CAUSES
from nocarrier.diagnosis.engine import diagnose
from nocarrier.diagnosis.facts import Facts, derive

__all__ = ["CAUSES", "Facts", "derive", "diagnose"]
