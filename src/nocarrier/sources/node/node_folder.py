"""The folder of one node: locked while the node uses it, with its key, bans and peer book."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from nocarrier.errors import StateFileError
from nocarrier.sources.node import state_files
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.access.identity import Identity
from nocarrier.sources.node.book.book_keeper import BookKeeper
from nocarrier.sources.node.options import NodeOptions

_log = logging.getLogger("nocarrier.node")


class NodeFolder:
    """What a node keeps between two runs. No other node can open the folder until `close`.

    Attributes:
        identity: its key pair.
        bans: the bans of the settings and of the file.
        book_keeper: keeps the peer book.

    Raises:
        ConfigError: an entry of the setting ``bans`` cannot be banned.
        StateFileError: the folder cannot be used, or another node uses it.
    """

    def __init__(self, path: Path, options: NodeOptions) -> None:
        _make(path)
        self._lock = state_files.lock(path)
        try:
            now_unix = time.time()
            self.identity = Identity.load_or_create(path / "node_key.pem")
            self.bans = BanList(options.bans, path=path / "bans.json")
            warning = self.bans.load(now_unix)
            if warning:
                _log.warning("%s", warning)
            self.book_keeper = BookKeeper(
                path / "peers.json", netgroup_prefix=options.netgroup_prefix, now_unix=now_unix
            )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the folder."""
        self._lock.close()


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise StateFileError(
            f"data_dir {path} cannot be used: {exc.strerror}; choose a folder that this user can write to"
        ) from exc
