"""Makes one dial with `nocarrier.dial()`, here or inside a network namespace, and returns the one record it left.

```python
seen = dial_in(net.client, f"{net.server.ipv4}:7072")     # in a process of its own in that namespace
seen = await dial_once("127.0.0.1:7072", handshake=read)  # in this process
assert seen.reason == "connection_refused"
```
"""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import nocarrier
from nocarrier.dialing import AddressPolicy
from testbed.netns import Namespace

Handshake = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]

PROGRAM = """
import sys
from testbed import dialing
{before}
dialing.main(sys.argv[1])
"""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a dial left behind: its record, and the exception that its caller saw."""

    record: dict[str, Any]
    error: str
    """The name of its type."""
    error_errno: str | None

    def __getattr__(self, name: str) -> Any:
        try:
            return self.record[name]
        except KeyError:
            raise AttributeError(name) from None


async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A handshake that sends something and expects one byte in return."""
    writer.write(b"hello")
    await reader.readexactly(1)


async def read_killed_by_an_administrator(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A handshake during which ss(8) ends every TCP connection of this host."""
    ended = await asyncio.create_subprocess_exec("ss", "-K", "-t", stdout=asyncio.subprocess.DEVNULL)
    await ended.wait()
    await reader.readexactly(1)


async def dial_once(
    addr: str,
    *,
    source: str = "seed",
    connect_s: float = 2.0,
    handshake: Handshake | None = None,
    handshake_s: float = 2.0,
    **options: Any,
) -> Seen:
    """Dial, and expect the dial to fail with exactly one record."""
    tracker = nocarrier.DialTracker()
    error: BaseException | None = None
    try:
        async with nocarrier.dial(addr, source, tracker=tracker, **options) as d:
            streams = await d.connect(timeout_s=connect_s)
            if handshake is not None:
                async with d.phase("handshake", timeout_s=handshake_s):
                    await handshake(*streams)
    except BaseException as exc:
        error = exc
    assert error is not None, "the dial succeeded"
    [failure] = tracker.recent()
    totals = tracker.totals()
    assert (totals.started, totals.succeeded, totals.in_flight) == (0 if failure.kind == "skip" else 1, 0, 0)
    number = error.errno if isinstance(error, OSError) else None
    return Seen(
        record=dataclasses.asdict(failure),
        error=type(error).__name__,
        error_errno=errno.errorcode.get(number) if number else None,
    )


def dial_in(host: Namespace, addr: str, *, before: str = "", **options: Any) -> Seen:
    """Run `dial_once` in a new process in `host`, after the statements in `before`.

    `options` are JSON values: `policy` holds the arguments of an AddressPolicy, `handshake` names a function of this
    module.
    """
    script = PROGRAM.format(before=before)
    return Seen(**host.python(script, json.dumps({"addr": addr, **options})))


def main(arguments: str) -> None:
    """Run the child's side of `dial_in`."""
    options = json.loads(arguments)
    if "policy" in options:
        options["policy"] = AddressPolicy(**options["policy"])
    if "handshake" in options:
        options["handshake"] = getattr(sys.modules[__name__], options["handshake"])
    print(json.dumps(dataclasses.asdict(asyncio.run(dial_once(**options)))))
