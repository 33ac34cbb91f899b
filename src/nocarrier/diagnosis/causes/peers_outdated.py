"""Those peers speak a protocol version that is too old for us."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis.cause import Case, Cause, count_of, evidence_of, some
from nocarrier.diagnosis.causes.version_outdated import MOST, mismatched, versions
from nocarrier.diagnosis.confidence import KERNEL, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.model.finding import Severity
from nocarrier.model.taxonomy import Blame


def _rule(facts: Facts) -> Case | None:
    _, known, untold = mismatched(facts)
    if facts.share_of_judges(untold) >= MOST:
        untold = []  # where the versions were not recorded, those that most others disagree with are the old ones
    peers = known + untold
    if not peers:
        return None
    share = facts.share_of_judges(peers)
    newest = max(versions("max", (signs.values(peer)[1] for peer in known)), default=None)
    ours = min(versions("min", (signs.values(peer)[0] for peer in known)), default=None)
    numbers = f": they speak up to version {newest}" if newest is not None else ""
    numbers += f", we want at least {ours}" if numbers and ours is not None else ""
    values: dict[str, object] = {"addr": peers[0].addr}
    if share >= MOST:
        values["newest"] = newest if newest is not None else "theirs"
    return Case(
        summary=f"{count_of(len(peers), 'peer')} ({some(peer.addr for peer in peers)}) "
        f"speak{'s' if len(peers) == 1 else ''} too old a protocol version{numbers}.",
        confidence=confidence(KERNEL if known else PATTERN, peers),
        evidence=tuple(
            evidence_of(says, each)
            for says, each in (
                ("their newest protocol version is below our oldest", known),
                ("they have no protocol version in common with us, and most others have", untold),
            )
            if each
        ),
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
