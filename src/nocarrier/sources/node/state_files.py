"""Keeps small state of the node in JSON files that are always whole, whatever kills the process or the machine.

A state is a `msgspec.Struct` with ``tag_field="schema", tag=N``. The file then says ``"schema": N``, and a file with
another number, such as one from a newer nocarrier, is not read by mistake.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Generic, TypeVar

import msgspec

from nocarrier.errors import StateFileError

_State = TypeVar("_State", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[_State]):
    """What `load` found."""

    state: _State | None
    """None: there is no file, or it cannot be used."""
    warning: str | None = None
    """Why the file could not be used and where it is kept now; log it."""


def save(path: Path, state: msgspec.Struct) -> None:
    """Replace the file at `path` by `state`. Blocks for two fsyncs; once it returns, the state survives a power cut.

    Readers see the old file or the new one, never a part of one: the bytes go to a temporary file beside it, are forced
    to disk, and take over the name in one step (rename(2)). The folder is forced to disk too, because fsync(2) of a
    file does not cover its name. Only the owner can read the file.

    Raises:
        StateFileError: the folder is missing or not writable, or the disk is full. The old file stays as it was.
    """
    data = msgspec.json.format(msgspec.json.encode(state), indent=1)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(prefix=_temporary_prefix(path), dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        fsync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise StateFileError(
            f"cannot write {path}: {error.strerror}. The folder {path.parent} must exist, be writable by this user "
            "and have free space; or choose another one with data_dir under [node]"
        ) from error


def load(path: Path, state_type: type[_State], *, now_unix: float) -> Loaded[_State]:
    """Read what `save` wrote. Call it before this process saves to `path`: it removes the leftovers of a killed `save`.

    A file that cannot be used (not JSON, other fields or types, another schema number) is moved aside to
    ``NAME.corrupt-<unix time>``, so that to continue with an empty state loses nothing.

    Raises:
        StateFileError: the file can neither be read nor moved aside. It stays as it was.
    """
    for leftover in path.parent.glob(f"{_temporary_prefix(path)}*"):
        with contextlib.suppress(OSError):
            leftover.unlink()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Loaded(None)
    except OSError as error:
        raise StateFileError(
            f"cannot read {path}: {error.strerror}. It must be a file that this user can read; "
            "or choose another folder with data_dir under [node]"
        ) from error
    try:
        return Loaded(msgspec.json.decode(data, type=state_type))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        aside = _move_aside(path, now_unix)
        schema = state_type.__struct_config__.tag
        return Loaded(
            None, f"{path} cannot be used ({error}; this version reads schema {schema}). It is kept as {aside}"
        )


def fsync_folder(folder: Path) -> None:
    """Force the names in `folder` to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_prefix(path: Path) -> str:
    return f".{path.name}.saving-"


def _move_aside(path: Path, now_unix: float) -> Path:
    aside = first = path.with_name(f"{path.name}.corrupt-{int(now_unix)}")
    count = 1
    while aside.exists():  # rename(2) would overwrite an earlier one
        count += 1
        aside = first.with_name(f"{first.name}-{count}")
    try:
        path.rename(aside)
    except OSError as error:
        raise StateFileError(
            f"{path} cannot be used, and cannot be moved to {aside.name}: {error.strerror}. "
            f"Make the folder {path.parent} writable by this user, or move the file away by hand"
        ) from error
    return aside


def lock(folder: Path) -> IO[bytes]:
    """Keep other nodes out of `folder` until the returned file is closed, or this process ends.

    Raises:
        StateFileError: another node uses the folder, or the lock file cannot be made.
    """
    path = folder / "lock"
    try:
        file = path.open("ab")
    except OSError as error:
        raise StateFileError(
            f"cannot write {path}: {error.strerror}. The folder {folder} must be writable by this user; "
            "or choose another one with data_dir under [node]"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StateFileError(
            f"another node uses the folder {folder}; stop it, or choose another one with data_dir under [node]"
        ) from error
    return file
