"""The command line: one file a verb, a folder for a large one. Text for people, `--json` for programs.

Exit codes: 0 success, 1 what you asked for failed, 2 the node cannot be asked or the command line is wrong.
"""
