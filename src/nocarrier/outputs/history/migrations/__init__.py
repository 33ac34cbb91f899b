"""Numbered steps from an empty file to today's schema; a step that was released is never changed."""
