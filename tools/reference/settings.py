"""The page of settings."""

from __future__ import annotations

from collections.abc import Iterator

from nocarrier.config import setting_table
from reference.markdown import generated_from, table, toml


def settings() -> Iterator[str]:
    """Every setting with its names in the file, in the environment and as a flag."""
    yield generated_from("the tables in src/nocarrier/config.py and src/nocarrier/sources/node/options.py")
    yield "# Settings"
    yield (
        "A TOML file, named with `nocarrier run --config FILE`; the environment overrides it, and flags override both. "
        "In the environment and in flags, separate the items of a list by commas. An unknown key or an impossible "
        "value stops the start; the error says where it was set and what is allowed."
    )
    settings_table = setting_table()
    for section in dict.fromkeys(row.section for row in settings_table):
        yield f"## [{section}]"
        rows = [row for row in settings_table if row.section == section]
        yield table(
            ("key", "type", "default", "meaning"),
            ((f"`{row.key}`", row.type, f"`{toml(row.default)}`", row.meaning) for row in rows),
        )
        yield f"As a flag, the first one is `{rows[0].flag}`; in the environment, `{rows[0].variable}`; and so on."
