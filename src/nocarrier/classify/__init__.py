"""Why it failed: from an exception, an errno and evidence to one fault. Pure, standard library only."""

from nocarrier.classify.blame import blame_for
from nocarrier.classify.exceptions import classify, describe

__all__ = ["blame_for", "classify", "describe"]
