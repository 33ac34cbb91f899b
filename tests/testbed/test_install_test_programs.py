"""`tools/install_test_programs` installs what it can, waits for other installers, and says loudly what is missing.

It runs here with only the programs that each test provides, `apt-get` among them.
"""

from __future__ import annotations

import shutil
import subprocess

import pytest

from testbed.netns import REPOSITORY

PROGRAMS = ("ip", "ss", "nft", "jq", "curl", "faketime", "chromium", "prometheus", "promtool")

APT_GET = """#!/bin/sh
echo "$*" >> {folder}/called
case "$*" in *update*)
  [ -e {folder}/listed ] && exit
  : > {folder}/listed
  echo "E: Could not get lock /var/lib/apt/lists/lock" >&2
  exit 100;;
esac
[ "{broken}" ] && case "$*" in *{broken}*) echo "E: Unable to locate package {broken}" >&2; exit 100;; esac
for package in "$@"; do
  [ "$package" = jq ] || [ "$package" = curl ] && cp {folder}/id {folder}/$package
done
exit 0
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("bash", "env", "sort", "cp"):
        (tmp_path / name).symlink_to(shutil.which(name))
    put(tmp_path / "sleep", "#!/bin/sh\n")
    for name in {*PROGRAMS} - {"jq", "curl"}:
        put(tmp_path / name, "#!/bin/sh\n")
    put(tmp_path / "id", "#!/bin/sh\necho 0\n")
    return tmp_path


def put(path, script):
    path.write_text(script)
    path.chmod(0o755)


def run(folder):
    command = [REPOSITORY / "tools" / "install_test_programs"]
    done = subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)
    called = folder / "called"
    return done, called.read_text().splitlines() if called.exists() else []


def test_missing_packages_are_installed_at_once_if_nothing_else_is_installing(folder):
    put(folder / "apt-get", APT_GET.format(folder=folder, broken=""))
    done, [called] = run(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "-o DPkg::Lock::Timeout=300" in called
    assert called.endswith(" curl jq")


def test_a_package_that_cannot_be_installed_does_not_prevent_others_and_is_named(folder):
    put(folder / "apt-get", APT_GET.format(folder=folder, broken="curl"))
    done, called = run(folder)
    assert done.returncode == 0
    assert sum("update" in arguments for arguments in called) == 2, "another program had the lock at first"
    assert (folder / "jq").exists()
    error, said = done.stderr.splitlines()
    assert error == "E: Unable to locate package curl"
    assert said.startswith("!! MISSING PROGRAMS: curl: the tests that need them are SKIPPED. apt-get could not")


def test_a_user_who_is_not_root_is_told(folder):
    put(folder / "id", "#!/bin/sh\necho 1000\n")
    put(folder / "apt-get", APT_GET.format(folder=folder, broken=""))
    done, called = run(folder)
    assert (done.returncode, called) == (0, [])
    assert done.stderr.startswith("!! MISSING PROGRAMS: curl jq: the tests that need them are SKIPPED. Install them")


def test_no_package_manager_runs_if_nothing_is_missing(folder):
    for name in ("jq", "curl"):
        put(folder / name, "#!/bin/sh\n")
    put(folder / "apt-get", APT_GET.format(folder=folder, broken=""))
    done, called = run(folder)
    assert (done.returncode, done.stderr, called) == (0, "", [])
