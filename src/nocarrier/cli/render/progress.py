"""Shows on a terminal that something is going on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from nocarrier.cli.render.text import printable


@contextlib.contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show `text` with a spinner and the time elapsed on standard error, if that is a terminal.

    Yields a function that changes the text. The text may be hostile.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - rich takes longer to load than most verbs to run
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )
    with shown:
        task = shown.add_task(printable(text))
        yield lambda changed: shown.update(task, description=printable(changed))
