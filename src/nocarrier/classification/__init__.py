"""Why a dial failed: from an exception, an errno and evidence to one fault.

Imports nothing but `model`, `errors` and the standard library, does no I/O and reads no clock.
"""

from nocarrier.classification.blame import blame_for
from nocarrier.classification.exceptions import Explanation, classify, describe, explain

__all__ = ["Explanation", "blame_for", "classify", "describe", "explain"]
