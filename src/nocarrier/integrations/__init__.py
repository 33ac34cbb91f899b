"""Bridges to other tools, each of which passes on what nocarrier recorded, unchanged, and needs an extra of its own.

Never imports `sources`, `recorder` or `dialing`.
"""
