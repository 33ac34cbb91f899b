"""Numbered steps from an empty file to today's schema; a released step is never changed."""
