"""Everything that people and programs look at: views, the HTTP API and the page.

Never imports `sources`, `recorder` or `dialing`.
"""
