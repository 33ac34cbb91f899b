"""Seeds are down."""

from __future__ import annotations

from nocarrier.classification import signs
from nocarrier.diagnosis import looks
from nocarrier.diagnosis.cause import Case, Cause, addresses, evidence_of, stated, title_about
from nocarrier.diagnosis.confidence import NETWORK, PATTERN, confidence
from nocarrier.diagnosis.facts import Facts
from nocarrier.diagnosis.peers import FailingPeer
from nocarrier.model.action import NODE, OTHERS, Action
from nocarrier.model.finding import EvidenceItem, Severity
from nocarrier.model.probe import Looks, Probe
from nocarrier.model.taxonomy import Blame, Reason
from nocarrier.model.wording.text import Text, address, say

MOST = 0.5
"""The cause is found if more than this share of the dialed seeds is down."""

_DOWN = signs.SILENT | signs.HUNG_UP | {Reason.CONNECTION_REFUSED, Reason.HANDSHAKE_TIMEOUT}


def _is_down(peer: FailingPeer) -> bool:
    return peer.is_seed and peer.reason in _DOWN and not peer.is_local and peer.blame is not Blame.US


def _rule(facts: Facts) -> Case | None:
    down = list(filter(_is_down, facts.failing))
    dialed = sum(peer.is_seed for peer in facts.all_failing) + sum(peer.is_seed for peer in facts.working)
    if not down or len(down) <= MOST * (dialed + _first_dials(facts)):
        return None
    network_answers = facts.answered_unix is not None or bool(facts.working) or facts.far_hops_answer
    evidence = [
        evidence_of(
            "{count:seed was|seeds were} dialed and failed with {reason}",
            [peer for peer in down if peer.reason is reason],
            reason=reason,
        )
        for reason in dict.fromkeys(peer.reason for peer in down)
    ]
    evidence.append(_network(facts, answers=network_answers))
    return Case(
        summary=say(
            _ANSWERS if network_answers else _UNSURE,
            seeds=_seeds(down, dialed),
        ),
        title=_title(down, dialed),
        confidence=confidence(NETWORK if network_answers else PATTERN, down),
        evidence=tuple(evidence),
        peers=down,
        values={"addr": address(down[0].addr)} | ({} if network_answers else {"unsure": address(down[0].addr)}),
    )


def _first_dials(facts: Facts) -> int:
    """How many seeds are being dialed now and have no outcome yet."""
    if facts.node is None:
        return 0
    known = {peer.addr for peer in facts.all_failing} | {peer.addr for peer in facts.working}
    under_way = {dial.addr for dial in facts.in_flight} - known
    return len(under_way & {seed.addr for seed in facts.node.dialing.seeds})


_ANSWERS = "{seeds}, while the network works."

_UNSURE = "{seeds}; it is not known whether the network of this machine works."

_ONLY = "The only seed that was dialed, {addrs}, is down"

_ALL = "All {dialed} seeds that were dialed are down ({addrs})"

_BOTH = "Both seeds that were dialed are down ({addrs})"

_SOME = "{down} of the {dialed} seeds that were dialed {down:is|are} down ({addrs})"


def _seeds(down: list[FailingPeer], dialed: int) -> Text:
    all_down = {1: _ONLY, 2: _BOTH}.get(dialed, _ALL)
    template = all_down if len(down) == dialed else _SOME
    return say(template, down=len(down), dialed=dialed, addrs=addresses(down))


def _title(down: list[FailingPeer], dialed: int) -> Text:
    if len(down) < dialed:
        return say("{count} of {dialed} seeds {count:is|are} down", count=len(down), dialed=dialed)
    templates = {1: "{They} is down", 2: "Both seeds are down"}
    return title_about(templates.get(dialed, "All {they} are down"), (peer.addr for peer in down), "seed|seeds")


def _network(facts: Facts, *, answers: bool) -> EvidenceItem:
    if facts.working:
        return stated("other {count:peer works|peers work}", [peer.addr for peer in facts.working])
    if answers:
        return stated("sign that the network works: something has answered a dial", count=1)
    return stated("other {count:answer|answers} from the network so far", count=0)


CAUSE = Cause(
    code="seeds_down",
    title="Seeds are down",
    severity=Severity.WARNING,
    blame=Blame.THEM,
    evidence_rule="More than half of the dialed seeds refuse, time out or close the connection. The verdict is less certain as long "
    "as nothing else has answered.",
    next_actions=(
        Action(text="Ask the operators of the seeds, such as {addr}, for the current list."),
        Action(text="Name other seeds under [node], such as any peer that you know, and restart.", applies_to=NODE),
        Action(text="Give the program other peers to start from.", applies_to=OTHERS),
        Action(
            text="See whether the network here is at fault: trace the path to {unsure}.",
            command="nocarrier doctor --probe --url {url}",
        ),
    ),
    rule=_rule,
    looks=Looks(looks.AT_PATH_AND_HOST.probes | {Probe.RESOLVER}),
    depends_on=(
        "offline",
        "outbound_blocked",
        "dns_broken",
        "dns_filtered",
        "local_exhaustion",
        "local_overload",
        "seeds_misconfigured",
        "wrong_port_published",
        "middlebox",
        "path_mtu",
        "partition",
        "ipv6_broken",
        "retry_too_fast",
    ),
)
