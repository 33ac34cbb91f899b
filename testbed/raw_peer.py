"""A scripted peer with its own key that speaks our protocol by hand, so that it can send what no node would send.

```python
async with raw_dial(node.addr) as peer:         # it dials
    await peer.shake_hands()
    await peer.send_bytes(b"\\xff\\xff\\xff\\xff")
    goodbye = await peer.receive()

async def script(peer):                          # it listens
    await peer.send(peer.hello(genesis="cd" * 32))

async with raw_listener(script) as addr:
    ...
```
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from nocarrier.sources.node.access.identity import Identity
from nocarrier.sources.node.wire import PeerAddress, Role
from nocarrier.sources.node.wire.claims import proof
from nocarrier.sources.node.wire.frames import PREAMBLE, frame
from nocarrier.sources.node.wire.messages import Auth, Hello, UnknownType, Welcome, WireMessage, decode, encode
from testbed.nodes import GENESIS

PATIENCE_S = 10.0
"""How long a peer waits for anything; a test that waits longer is stuck."""


class RawPeer:
    """One end of a connection. `claims` are the fields of its Hello that differ from a normal one."""

    def __init__(
        self,
        role: Role,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        identity: Identity | None = None,
        **claims: Any,
    ) -> None:
        self.role = role
        self.reader = reader
        self.writer = writer
        self.identity = identity or Identity.generate()
        self._claims = claims
        self._hellos: dict[Role, bytes] = {}

    # ---- single steps ---------------------------------------------------------------------------------------------

    def hello(self, **changes: Any) -> Hello:
        """The Hello of a normal node, except for the claims and `changes`."""
        usual: dict[str, Any] = {
            "node_id": self.identity.node_id,
            "network": "test",
            "genesis": GENESIS,
            "min_version": 1,
            "max_version": 2,
            "nonce": secrets.token_bytes(32),
            "boot_id": secrets.token_bytes(8),
            "clock_unix": time.time(),
        }
        return Hello(**(usual | self._claims | changes))

    async def send_bytes(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send(self, message: WireMessage) -> None:
        body = encode(message)
        if isinstance(message, Hello):
            self._hellos[self.role] = body
        await self.send_bytes(frame(body))

    async def receive(self) -> WireMessage | UnknownType:
        """Return the next message from the other side.

        Raises:
            asyncio.IncompleteReadError: it closed the connection.
        """
        async with asyncio.timeout(PATIENCE_S):
            length = int.from_bytes(await self.reader.readexactly(4), "big")
            body = await self.reader.readexactly(length)
        message = decode(body)
        if isinstance(message, Hello):
            self._hellos[self.role.other] = body
        return message

    async def receive_until(self, kind: type[Any]) -> Any:
        """Return the next message of `kind`; messages before it are dropped."""
        while not isinstance(message := await self.receive(), kind):
            pass
        return message

    async def receive_preamble(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readexactly(len(PREAMBLE))

    async def wait_closed(self) -> None:
        """Wait until the other side ends the connection; what still arrives is read and dropped."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(PATIENCE_S):
                while await self.reader.read(65536):
                    pass

    def reset(self) -> None:
        """End the connection with a RST: socket(7), SO_LINGER with a time of 0."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    # ---- whole steps ----------------------------------------------------------------------------------------------

    def auth(self) -> Auth:
        """The proof of our identity; both Hellos must have been exchanged."""
        hellos = self._hellos[Role.DIALER], self._hellos[Role.LISTENER]
        return Auth(signature=self.identity.sign(proof(self.role, *hellos)))

    async def introduce(self, **changes: Any) -> Hello:
        """Exchange preambles and Hellos; returns the other side's Hello."""
        await self.send_bytes(PREAMBLE)
        await self.send(self.hello(**changes))
        await self.receive_preamble()
        theirs = await self.receive()
        assert isinstance(theirs, Hello)
        return theirs

    async def shake_hands(self, peers: Sequence[PeerAddress] = ()) -> Welcome:
        """Do the whole handshake, naming `peers` in our Welcome; returns the other side's Welcome."""
        await self.introduce()
        if self.role is Role.DIALER:
            await self.send(self.auth())
            assert isinstance(await self.receive(), Auth)
            welcome = await self.receive()
            await self.send(Welcome(peers=list(peers)))
        else:
            assert isinstance(await self.receive(), Auth)
            await self.send(self.auth())
            await self.send(Welcome(peers=list(peers)))
            welcome = await self.receive()
        assert isinstance(welcome, Welcome), welcome
        return welcome


Script = Callable[[RawPeer], Awaitable[object]]
"""What a listening peer does with each connection; the connection is closed when this returns."""


@asynccontextmanager
async def raw_dial(
    addr: str, *, identity: Identity | None = None, local_host: str | None = None, **claims: Any
) -> AsyncIterator[RawPeer]:
    """Connect to `addr`, from the loopback address `local_host` if given; the connection is closed at the end."""
    host, _, port = addr.rpartition(":")
    local_addr = (local_host, 0) if local_host else None
    reader, writer = await asyncio.open_connection(host, int(port), local_addr=local_addr)
    try:
        yield RawPeer(Role.DIALER, reader, writer, identity, **claims)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def raw_listener(
    script: Script, *, host: str = "127.0.0.1", port: int = 0, identity: Identity | None = None, **claims: Any
) -> AsyncIterator[str]:
    """Listen on `host` and run `script` on every connection; returns the address."""
    identity = identity or Identity.generate()
    errors: list[BaseException] = []
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # The test looks at what the node does to the connection, not at how the end looks from here.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await script(RawPeer(Role.LISTENER, reader, writer, identity, **claims))
        except Exception as error:
            errors.append(error)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(accept, host, port)
    try:
        yield f"{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
    assert not errors, f"the script of the raw peer failed: {errors!r}"
