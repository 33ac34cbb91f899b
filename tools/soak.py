"""Ten minutes of churn in a mesh of five nodes, each a process on its own host (network namespaces; needs root).

Nodes are killed with SIGKILL or stopped, and started again, one after the other. One node, the witness, runs all the
time: its memory and descriptors must not grow, and its doctor must report what the churn did and nothing else: which
node was down, while it was down, and no fault of its own. At the end the mesh must be complete again, every book
complete on disk, and all sums exact on every node.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from testbed.netns import FlatNetwork
from testbed.node_process import NodeProcess, Status
from testbed.programs import why_no_netns

SIZE = 5
WITNESS = SIZE - 1
CHURNS = ("rolling", "random", "hubkill")

DOWN_S = 6.0
"""How long a node stays away: the witness dials it again within two seconds, and its doctor has looked two seconds
later."""

UP_S = 12.0
"""How long the mesh is left alone after a node came back: that node dials the others at once, and ten seconds later no
finding may mention it any more."""

TRUE_FINDINGS = frozenset({"peer_down", "peer_closes", "peer_broken"})
"""What nodes that are killed and restarted look like from outside."""

HARMLESS_FINDINGS = frozenset({"duplicates_only", "not_reachable"})

SAMPLE_S = 1.0

CONVERGES_WITHIN_S = 60.0
"""How long the mesh may take to become complete at the end. A peer that failed may wait half a minute for the next
dial."""

WARM_UP_SHARE = 0.25
"""How long the run warms up: after that, what a process allocates only once (code, caches) is in place."""

RSS_GROWTH_MAX_BYTES = 4_000_000
"""How much the witness may grow after the warm-up, by the fitted line. Measured: 0.9 MB in ten minutes, while caches of
parsed addresses fill up to their bounds."""

OPEN_FILES_SLACK = 3
"""A dial and an inbound handshake may be under way when a sample is taken."""

TIMING = {
    "connect_timeout_s": 3,
    "handshake_attempt_s": 3,
    "handshake_window_s": 9,
    "maintain_interval_s": 2,
    "gossip_interval_s": 2,
}


@dataclass
class Record:
    """What was seen during the run."""

    at_s: list[float] = field(default_factory=list)
    rss_bytes: list[int] = field(default_factory=list)
    open_files: list[int] = field(default_factory=list)
    ends: int = 0
    found: int = 0
    """How many ends of a node the doctor of the witness reported as down, after the witness had failed to dial it."""
    missed: int = 0
    """How many ends it did not report, though a dial had failed."""
    wrong: list[str] = field(default_factory=list)

    def expect(self, what: str, *, holds: bool) -> None:
        """Note `what` as wrong unless it holds."""
        if not holds:
            self.wrong.append(what)

    def sample(self, started_s: float, status: Status) -> None:
        """Keep what the witness shows."""
        self.at_s.append(time.monotonic() - started_s)
        self.rss_bytes.append(status["rss_bytes"])
        self.open_files.append(status["open_files"])

    def rss_growth_bytes(self) -> float:
        """How many bytes the witness grew after its warm-up, by a line fitted through all samples."""
        first = int(len(self.at_s) * WARM_UP_SHARE)
        at_s, rss_bytes = self.at_s[first:], self.rss_bytes[first:]
        return statistics.linear_regression(at_s, rss_bytes).slope * (at_s[-1] - at_s[0])


@contextlib.contextmanager
def mesh(folder: Path) -> Iterator[list[NodeProcess]]:
    """Start five nodes; the first two are the seeds of all."""
    with FlatNetwork(SIZE) as network, contextlib.ExitStack() as stack:
        seeds = [f"{host.ipv4}:7072" for host in network.hosts[:2]]
        yield [
            stack.enter_context(
                NodeProcess(
                    folder / f"node-{number}",
                    where=host,
                    timing=TIMING,
                    p2p_listen=f"{host.ipv4}:7072",
                    seeds=seeds,
                    target_peers=SIZE - 1,
                )
            )
            for number, host in enumerate(network.hosts)
        ]


def victims(churn: str, rng: random.Random) -> Iterator[int]:
    """Yield which node is ended next."""
    number = 0
    while True:
        if churn == "random":
            yield rng.randrange(WITNESS)
        elif churn == "hubkill":
            yield 0
        else:
            yield number
            number = (number + 1) % WITNESS


def check_accounts(record: Record, name: str, status: Status) -> None:
    """Check the identities that hold at every instant."""
    totals = status["totals"]
    ended = totals["succeeded"] + totals["failed"] + totals["cancelled"] + totals["in_flight"]
    record.expect(f"{name}: started is not the sum of all ends: {totals}", holds=totals["started"] == ended)
    entries = totals["failed"] + totals["cancelled"] + totals["skipped"] + totals["disconnected_early"]
    record.expect(f"{name}: counts do not add up to the totals", holds=sum(status["counts"].values()) == entries)
    record.expect(f"{name}: dropped {status['dropped']}", holds=not any(status["dropped"].values()))
    own = [entry for entry in status["failures"] if entry["reason"] in {"other", "malformed_handshake"}]
    record.expect(f"{name}: a failure that our own nodes should never cause: {own}", holds=not own)


def watch(record: Record, nodes: list[NodeProcess], started_s: float, for_s: float, away: str | None = None) -> bool:
    """Let time pass and look at every node each second; returns whether the witness reported that `away` is down."""
    until_s = time.monotonic() + for_s
    said = False
    while time.monotonic() < until_s:
        for number, node in enumerate(nodes):
            if node.is_running:
                status = node.status()
                check_accounts(record, f"node-{number}", status)
                if number == WITNESS:
                    record.sample(started_s, status)
                    check_findings(record, status, away)
                    said |= away is not None and says_down(status, away)
        time.sleep(max(0.0, min(SAMPLE_S, until_s - time.monotonic())))
    return said


def check_findings(record: Record, status: Status, away: str | None) -> None:
    """Check that the witness reports nothing false; `away` is the node that is down or has just come back."""
    for finding in status["findings"]:
        what = f"{finding['code']} ({finding['summary']})"
        known = finding["code"] in TRUE_FINDINGS | HARMLESS_FINDINGS
        # A machine that is busy with five nodes may be late; that does no harm, and is not a fault of the mesh.
        is_own_lag = finding["code"] == "local_overload" and finding["severity"] == "info"
        record.expect(f"the witness found {what}, which the churn did not do", holds=known or is_own_lag)
        record.expect(f"the witness found {what}, above info", holds=finding["severity"] == "info")
        if finding["code"] in TRUE_FINDINGS:
            record.expect(f"the witness blames nodes other than {away}: {what}", holds=set(finding["addrs"]) <= {away})


def says_down(status: Status, addr: str) -> bool:
    """Whether a finding of the witness says that the node at `addr` is down."""
    return any(addr in finding["addrs"] for finding in status["findings"] if finding["code"] in TRUE_FINDINGS)


def dials_failed(status: Status, addr: str) -> int:
    """How many of the newest entries of the witness are failed dials to `addr`."""
    return sum(entry["addr"] == addr and entry["kind"] == "failure" for entry in status["failures"])


def check_end(record: Record, nodes: list[NodeProcess], folder: Path) -> None:
    """Check that the mesh is complete again, in sessions and on disk, and that the witness has not grown."""
    for number, node in enumerate(nodes):
        try:
            node.wait_for(lambda status: len(status["connected"]) == SIZE - 1, within_s=CONVERGES_WITHIN_S)
        except AssertionError as error:
            record.wrong.append(f"node-{number} does not find all other nodes again: {error}")
        check_accounts(record, f"node-{number}", node.status())
    final = nodes[WITNESS].status()
    for number, node in enumerate(nodes):
        node.stop()
        home = folder / f"node-{number}"
        record.expect(f"node-{number}: a corrupt file was moved aside", holds=not list(home.glob("*.corrupt-*")))
        addrs = {entry["addr"] for entry in json.loads((home / "peers.json").read_text())["entries"]}
        others = {other.addr for other in nodes if other is not node}
        record.expect(f"node-{number}: its book has {addrs}, not {others}", holds=addrs == others)
    growth = record.rss_growth_bytes()
    record.expect(f"the witness grew by {growth:.0f} bytes", holds=growth <= RSS_GROWTH_MAX_BYTES)
    usual = statistics.median(record.open_files)
    record.expect(
        f"the witness has {final['open_files']} open files; usual were {usual:.0f}",
        holds=final["open_files"] <= usual + OPEN_FILES_SLACK,
    )


def soak(seconds: float, churn: str, rng: random.Random, folder: Path) -> Record:
    """Run for `seconds`; returns what was seen."""
    record = Record()
    with mesh(folder) as nodes:
        started_s = time.monotonic()
        witness = nodes[WITNESS]
        away: str | None = None
        for number in victims(churn, rng):
            watch(record, nodes, started_s, min(UP_S, seconds / 4), away)
            if away is not None:
                forgiven = not says_down(witness.status(), away)
                record.expect(f"the witness still reports that {away} is down, long after it came back", holds=forgiven)
            if time.monotonic() - started_s >= seconds:
                break
            victim = nodes[number]
            away = victim.addr
            failed_before = dials_failed(witness.status(), away)
            how = rng.choice((victim.kill, victim.stop))
            how()
            record.ends += 1
            said = watch(record, nodes, started_s, DOWN_S, away)
            if said:
                record.found += 1
            elif dials_failed(witness.status(), away) > failed_before:
                record.missed += 1
            victim.start()
        check_end(record, nodes, folder)
    return record


def main() -> int:
    """Run the soak and print the result; the exit status is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--churn", choices=CHURNS, default="rolling")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random choices, to repeat a run")
    arguments = parser.parse_args()
    lack = why_no_netns()
    if lack is not None:
        print(f"soak cannot run: {lack}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="nocarrier-soak-") as folder:
        rng = random.Random(arguments.seed)  # noqa: S311 - it chooses whom to kill
        record = soak(arguments.seconds, arguments.churn, rng, Path(folder))
    print(
        f"{SIZE} nodes, {record.at_s[-1]:.0f} s, churn {arguments.churn}: {record.ends} nodes ended and started again"
    )
    print(
        f"witness: {record.rss_bytes[0] / 1e6:.1f} MB at first, {record.rss_bytes[-1] / 1e6:.1f} MB at the end, "
        f"{record.rss_growth_bytes() / 1e6:+.2f} MB after warm-up; {record.open_files[-1]} open files"
    )
    print(f"doctor of the witness: {record.found} ends reported, {record.missed} missed though a dial had failed")
    record.expect("the doctor missed more than one end in ten", holds=record.missed * 10 <= record.ends)
    for wrong in dict.fromkeys(record.wrong):
        print(f"WRONG {wrong}", file=sys.stderr)
    print(
        "FAILED" if record.wrong else "passed: sums exact, books complete, memory and descriptors flat, findings true"
    )
    return 1 if record.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
