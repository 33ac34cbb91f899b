"""Words, tables and times on a terminal: what the verbs share."""
