"""State files are complete at every instant, and a file that cannot be used is kept and reported."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from nocarrier.errors import StateFileError
from nocarrier.sources.node import state_files
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.book.peer_book import PeerBook, PeerBookFile

NOW = 1_800_000_000.0


class Notes(msgspec.Struct, tag_field="schema", tag=1):
    lines: list[str]


class NewerNotes(msgspec.Struct, tag_field="schema", tag=2):
    lines: list[str]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_saved_state_is_loaded(tmp_path):
    path = tmp_path / "notes.json"
    state_files.save(path, Notes(["a", "b"]))
    assert state_files.load(path, Notes, now_unix=NOW) == state_files.Loaded(Notes(["a", "b"]))
    assert b'"schema": 1' in path.read_bytes()


def test_a_missing_file_is_not_an_error(tmp_path):
    assert state_files.load(tmp_path / "notes.json", Notes, now_unix=NOW) == state_files.Loaded(None)


def test_only_the_owner_can_read_it_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "notes.json"
    state_files.save(path, Notes(["a"]))
    state_files.save(path, Notes(["b"]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_in(tmp_path) == ["notes.json"]


def newer_bytes() -> bytes:
    return msgspec.json.encode(NewerNotes(["of tomorrow"]))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "malformed|truncated"),
        (b'{"schema": 1, "lines": ["a"', "malformed|truncated"),
        (b"\xff\xfe\x00", "malformed"),
        (b'{"schema": 1, "lines": ["\xff"]}', "UTF-8|utf-8"),
        (b"[" * 100_000, "Expected `object`"),
        (b'{"schema": 1, "other": ' + b"[" * 100_000, "recursion"),
        (b'{"schema": 1}', "lines"),
        (b'{"schema": 1, "lines": [7]}', "Expected `str`"),
        (b'{"schema": "1", "lines": []}', "schema"),
        (b"[]", "Expected `object`"),
        (newer_bytes(), "Invalid value 2.*reads schema 1"),
    ],
)
def test_an_unusable_file_is_moved_aside_and_reported(tmp_path, content, says):
    path = tmp_path / "notes.json"
    path.write_bytes(content)
    loaded = state_files.load(path, Notes, now_unix=NOW)
    assert loaded.state is None
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(loaded.warning)
    assert not path.exists()
    assert (tmp_path / "notes.json.corrupt-1800000000").read_bytes() == content
    assert "notes.json.corrupt-1800000000" in loaded.warning


def test_a_file_moved_aside_is_never_overwritten(tmp_path):
    path = tmp_path / "notes.json"
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        state_files.load(path, Notes, now_unix=NOW)
    assert sorted(file.read_bytes() for file in tmp_path.iterdir()) == [b"one", b"three", b"two"]


def test_leftovers_of_a_killed_save_are_removed_and_other_files_are_not(tmp_path):
    (tmp_path / ".notes.json.saving-x7").write_bytes(b'{"sch')
    (tmp_path / ".more-notes.json.saving-x7").write_bytes(b'{"sch')
    state_files.load(tmp_path / "notes.json", Notes, now_unix=NOW)
    assert names_in(tmp_path) == [".more-notes.json.saving-x7"]


def test_a_folder_that_is_missing_is_named_with_what_to_change(tmp_path):
    with pytest.raises(StateFileError, match=r"nowhere must exist.*data_dir"):
        state_files.save(tmp_path / "nowhere" / "notes.json", Notes([]))


def test_a_path_that_is_a_folder_can_be_neither_read_nor_written(tmp_path):
    with pytest.raises(StateFileError, match="cannot read"):
        state_files.load(tmp_path, Notes, now_unix=NOW)
    (tmp_path / "notes.json").mkdir()
    with pytest.raises(StateFileError, match="cannot write"):
        state_files.save(tmp_path / "notes.json", Notes([]))
    assert names_in(tmp_path) == ["notes.json"]


def run_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, text=True
    )


WITHOUT_RIGHTS = """
import os, sys
from pathlib import Path
from nocarrier.errors import StateFileError
from nocarrier.sources.node import state_files
from nocarrier.sources.node.book.peer_book import PeerBook, PeerBookFile
folder = Path(sys.argv[1])
os.chdir(folder)
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for act in (
    lambda: state_files.save(Path("new.json"), PeerBook().to_file()),
    lambda: state_files.load(Path("corrupt.json"), PeerBookFile, now_unix=7),
    lambda: state_files.load(Path("secret.json"), PeerBookFile, now_unix=7),
):
    try:
        print("no error:", act())
    except StateFileError as error:
        print(error)
"""


def test_a_folder_without_rights_loses_nothing(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "corrupt.json").write_bytes(b"not JSON")
    (folder / "secret.json").write_bytes(b"{}")
    (folder / "secret.json").chmod(0)
    folder.chmod(0o555)
    try:
        said, _ = run_python(WITHOUT_RIGHTS, folder).communicate(timeout=30)
    finally:
        folder.chmod(0o755)
    new, corrupt, secret = said.splitlines()
    assert "cannot write new.json: Permission denied" in new
    assert "not be moved" in corrupt
    assert "cannot read secret.json: Permission denied" in secret
    assert names_in(folder) == ["corrupt.json", "secret.json"]
    assert (folder / "corrupt.json").read_bytes() == b"not JSON"


def test_a_full_disk_leaves_the_old_file_as_it_was(tmp_path):
    path = tmp_path / "notes.json"
    state_files.save(path, Notes(["old"]))
    full = """
import resource, signal, sys
from pathlib import Path
from nocarrier.errors import StateFileError
from nocarrier.sources.node import state_files
from nocarrier.sources.node.access.bans import BanList
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
bans = BanList(path=Path(sys.argv[1]))
try:
    bans.add("192.0.2.1", now_unix=7, reason="x" * 200)
except StateFileError as error:
    print(error)
"""
    said, _ = run_python(full, path).communicate(timeout=30)
    assert "File too large" in said
    assert state_files.load(path, Notes, now_unix=NOW).state == Notes(["old"])
    assert names_in(tmp_path) == ["notes.json"]


def test_readers_see_one_whole_state_while_many_threads_write(tmp_path):
    path = tmp_path / "notes.json"
    state_files.save(path, Notes(["0"] * 1000))
    writers = [
        threading.Thread(target=lambda word=word: [state_files.save(path, Notes([word] * 1000)) for _ in range(15)])
        for word in "12"
    ]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        seen.append(set(msgspec.json.decode(path.read_bytes(), type=Notes).lines))
    for writer in writers:
        writer.join()
    assert seen
    assert all(len(words) == 1 for words in seen)


SAVES_FOR_EVER = """
import sys
from pathlib import Path
from nocarrier.model.address import Address
from nocarrier.model.taxonomy import Source
from nocarrier.sources.node import state_files
from nocarrier.sources.node.access.bans import BanList
from nocarrier.sources.node.book.peer_book import PeerBook, PeerBookFile
folder, first = Path(sys.argv[1]), int(sys.argv[2])
loaded = state_files.load(folder / "peers.json", PeerBookFile, now_unix=first)
book = PeerBook.from_file(loaded.state or PeerBookFile([]))
bans = BanList(path=folder / "bans.json")
bans.load(first)
for number in range(first, 60_000):
    addr = f"198.{number % 200}.{number // 200}.1"
    book.add(Address(addr, 7072), Source.DIRECT, None, number)
    bans.add(addr, now_unix=number)
    state_files.save(folder / "peers.json", book.to_file())
    print(number, flush=True)
"""


def test_after_kill_9_at_any_moment_book_and_bans_are_complete_and_contain_all_acknowledged_changes(tmp_path):
    rng = random.Random(9)
    acknowledged: list[int] = []
    for _ in range(20):
        with run_python(SAVES_FOR_EVER, tmp_path, len(acknowledged)) as child:
            acknowledged.append(int(child.stdout.readline()))
            timer = threading.Timer(rng.uniform(0, 0.05), child.kill)
            timer.start()
            acknowledged.extend(map(int, child.stdout))
        assert child.returncode == -signal.SIGKILL
        check_state(tmp_path, acknowledged)
    assert len(acknowledged) > 20
    assert names_in(tmp_path) == ["bans.json", "peers.json"]


def check_state(folder: Path, acknowledged: list[int]) -> None:
    loaded = state_files.load(folder / "peers.json", PeerBookFile, now_unix=NOW)
    assert loaded.warning is None
    bans = BanList(path=folder / "bans.json")
    assert bans.load(NOW) is None
    hosts = {f"198.{number % 200}.{number // 200}.1" for number in acknowledged}
    assert hosts <= {ban.target for ban in bans.entries(NOW)}
    book = PeerBook.from_file(loaded.state)
    assert {f"{host}:7072" for host in hosts} <= {entry.addr for entry in book}
