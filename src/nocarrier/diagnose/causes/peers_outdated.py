"""Those peers speak a protocol version that is too old for us."""

from __future__ import annotations

from nocarrier.diagnose import signs
from nocarrier.diagnose.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnose.causes.version_outdated import MOST, is_newer
from nocarrier.diagnose.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnose.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame, Reason


def _rule(facts: Facts) -> Case | None:
    peers = [peer for peer in facts.failing_with(Reason.VERSION_MISMATCH) if not is_newer(peer)]
    if not peers:
        return None
    known = [peer for peer in peers if is_newer(peer) is False]
    share = facts.share_of_judges(peers)
    newest = max((signs.values(peer)[1].get("max", 0) for peer in known), default=None)
    ours = next((signs.values(peer)[0].get("min") for peer in known), None)
    numbers = f": they speak up to version {newest}, we want at least {ours}" if known else ""
    values: dict[str, object] = {"addr": peers[0].addr}
    if share >= MOST:
        values["newest"] = newest if newest is not None else "theirs"
    return Case(
        summary=f"{count_of(len(peers), 'peer')} ({some(peer.addr for peer in peers)}) "
        f"speak{'s' if len(peers) == 1 else ''} too old a protocol version{numbers}.",
        confidence=confidence(KERNEL if known else PATTERN, peers),
        evidence=(evidence_of("their newest protocol version is below our oldest", peers),),
        peers=peers,
        severity=None if facts.is_cut_off or share < MOST else Severity.WARNING,
        values=values,
    )


CAUSE = Cause(
    code="peers_outdated",
    title="Those peers speak too old a protocol version",
    severity=Severity.INFO,
    blame=Blame.THEM,
    evidence_rule="version_mismatch where our oldest version is above their newest.",
    next_actions=(
        "Tell who runs {addr} to update.",
        "Most peers are that old: lower min_protocol_version under [node] to {newest}, if this program still speaks it.",
    ),
    rule=_rule,
    depends_on=("version_outdated",),
)
