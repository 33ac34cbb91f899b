"""Bridges to tools of others. Each passes on what nocarrier saw, unchanged, and needs an extra of its own."""
