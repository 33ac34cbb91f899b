"""Bridges to other tools: each passes on what nocarrier saw, unchanged, and needs an extra of its own.

Never imports `sources`, `recorder` or `dialing`.
"""
