"""Outputs of recorded events: the history on disk, and metrics.

Never imports `sources`, `recorder` or `dialing`.
"""
