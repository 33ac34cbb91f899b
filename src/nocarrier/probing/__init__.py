"""Active probes for a finding: what to look at, what was seen, and what that means.

Never imports `diagnosis`: a cause declares its probes as values of `model`.
"""
