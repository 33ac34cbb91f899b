"""Reads another node's API: requests, the live stream and pages of history.

Knows no node and no tracker of its own.
"""
