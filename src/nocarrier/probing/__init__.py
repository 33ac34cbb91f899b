"""Active probes for a finding: what to look at, what was seen, and what that says. Never imports `diagnosis`."""
