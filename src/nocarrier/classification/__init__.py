"""Why it failed: from an exception, an errno and evidence to one fault. Pure, standard library only."""

from nocarrier.classification.blame import blame_for
from nocarrier.classification.exceptions import Explanation, classify, describe, explain

__all__ = ["Explanation", "blame_for", "classify", "describe", "explain"]
