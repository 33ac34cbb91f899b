"""Who dials, besides callers of the library. Never imports `tracking`, `outputs` or `web`."""
