"""The command line: one file per verb, a folder for a large one; text for people, `--json` for programs.

Exit codes: 0 success, 1 what you asked for failed, 2 the node cannot be asked or the command line is wrong.
"""
