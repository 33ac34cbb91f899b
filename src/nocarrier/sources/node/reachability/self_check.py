"""Can others dial this node? It asks peers in different netgroups to try, and counts their answers."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from dataclasses import dataclass
from typing import NamedTuple

from nocarrier.errors import AddressError
from nocarrier.model.address import Address, Scope, netgroup_of, scope_of
from nocarrier.model.node.state import Reachability, ReachabilityState
from nocarrier.sources.node.options import NodeOptions
from nocarrier.sources.node.sessions.session import Session
from nocarrier.sources.node.sessions.session_table import SessionTable
from nocarrier.sources.node.wire.events import DialBackAnswered
from nocarrier.sources.node.wire.messages import DialBackOutcome

ASK_AGAIN_S = 600.0
"""How long an answer is good enough: ports close when somebody changes a router, not every minute."""

ASK_SOON_S = 60.0
"""The pause after a refusal, and once after a first bad verdict, which may come from a moment in which this node or the
peer was busy. Twice the pause that peers want between two dial-backs."""

ANSWER_WITHIN_S = 60.0
"""The longest that an honest answer takes with default settings is 22 s: connecting plus one handshake attempt."""

ANSWER_VALID_S = 1800.0
"""Three requests without an answer, or half an hour without that peer: by then its answer is too old."""

ASKED_MAX = 8
"""How many netgroups are asked within ten minutes: five of eight unrelated peers must lie for a false verdict, and on
average every node dials for others less than once a minute, however large the network is."""

LOOK_INTERVAL_S = 15.0
"""How often to check whether a request is due. Nobody waits for it: new peers are asked at once."""


@dataclass(slots=True)
class _Question:
    """The newest request to one netgroup."""

    nonce: int
    session: Session
    at_s: float
    is_open: bool = True
    was_refused: bool = False
    wants_confirmation: bool = False

    def is_due_again(self, now_s: float) -> bool:
        if self.is_open and self.session.end is not None:
            return True  # nobody can answer it: of two sessions that crossed one stays, and it may be the other one
        wait_s = ASK_SOON_S if self.was_refused or self.wants_confirmation else ASK_AGAIN_S
        return now_s - self.at_s >= wait_s

    def counts_as_asked(self, now_s: float) -> bool:
        """Whether it uses up one of the questions; a peer that refuses or never answers leaves its turn to others."""
        age_s = now_s - self.at_s
        return not self.was_refused and age_s < (ANSWER_WITHIN_S if self.is_open else ASK_AGAIN_S)


class _Answer(NamedTuple):
    """The newest answer from one netgroup."""

    reached: bool
    observed_host: str | None
    at_s: float
    at_unix: float


class ReachabilityCheck:
    """Asks peers in different netgroups whether they can reach the port that this node publishes.

    They try that port on the IP address from which the peer sees us, because that is what peers learn from our Hello.
    If the setting ``advertise`` names another host, nobody tries that.

    The verdict is that of most netgroups; if they are evenly split, it is unknown. Peers that we meet over private or
    loopback addresses are asked only in LAN mode: they see this node from the inside, and say nothing about the world.
    In LAN mode *public* therefore means: others in the same network can dial this node.

    Attributes:
        asked_total: requests sent.
        answered_total: of these, how many got a verdict.
        refused_total: of these, how many were refused. All others are open, or were never answered: older versions do
            not know the request.
        changes: increases with every answer.
    """

    def __init__(self, options: NodeOptions, *, sessions: SessionTable, published_port: int) -> None:
        self._options = options
        self._sessions = sessions
        self._published_port = published_port
        self._questions: dict[str, _Question] = {}
        self._answers: dict[str, _Answer] = {}
        self.asked_total = 0
        self.answered_total = 0
        self.refused_total = 0
        self.changes = 0

    async def run(self) -> None:
        """Ask at regular intervals, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            self._forget_old_answers(time.monotonic())
            sessions = list(self._sessions)
            random.shuffle(sessions)  # a peer that never answers must not keep its whole netgroup from being asked
            for session in sessions:
                self.ask(session)

    def ask(self, session: Session) -> None:
        """Ask that peer, if its netgroup is due and not enough others have been asked already."""
        ip = session.tcp_address.ip
        if ip is None or not (self._options.lan_mode or scope_of(ip) is Scope.PUBLIC):
            return
        now_s = time.monotonic()
        netgroup = self._netgroup_of(session)
        last = self._questions.get(netgroup)
        if last is not None and not last.is_due_again(now_s):
            return
        others = (question for group, question in self._questions.items() if group != netgroup)
        if sum(question.counts_as_asked(now_s) for question in others) >= ASKED_MAX:
            return
        question = _Question(secrets.randbits(64), session, now_s)
        self._questions[netgroup] = question
        self.asked_total += 1
        session.send_dial_back(question.nonce, self._published_port)

    def take_answer(self, session: Session, event: DialBackAnswered) -> None:
        """Take in a peer's answer to our request; an answer that nobody asked for is ignored."""
        netgroup = self._netgroup_of(session)
        question = self._questions.get(netgroup)
        if question is None or not question.is_open or (question.session, question.nonce) != (session, event.nonce):
            return
        question.is_open = False
        self.changes += 1
        if event.outcome is DialBackOutcome.REFUSED:
            question.was_refused = True
            self.refused_total += 1
            return
        self.answered_total += 1
        reached, before = event.outcome is DialBackOutcome.REACHED, self._answers.get(netgroup)
        question.wants_confirmation = not reached and (before is None or before.reached)
        self._answers[netgroup] = _Answer(
            reached=reached,
            observed_host=_host_in(session.welcome.observed_addr),
            at_s=time.monotonic(),
            at_unix=time.time(),
        )

    def state(self) -> ReachabilityState:
        """The verdict from the newest answer of each netgroup within the last half hour."""
        now_s = time.monotonic()
        answers = [answer for answer in self._answers.values() if now_s - answer.at_s < ANSWER_VALID_S]
        if not answers:
            return ReachabilityState()
        reached = sum(answer.reached for answer in answers)
        not_reached = len(answers) - reached
        verdict = Reachability.PUBLIC if reached > not_reached else Reachability.PRIVATE
        newest = max(answers, key=lambda answer: answer.at_s)
        return ReachabilityState(
            state=Reachability.UNKNOWN if reached == not_reached else verdict,
            reached_by=reached,
            not_reached_by=not_reached,
            addr=str(Address(newest.observed_host, self._published_port)) if newest.observed_host else None,
            checked_unix=newest.at_unix,
        )

    def _forget_old_answers(self, now_s: float) -> None:
        self._questions = {
            group: question for group, question in self._questions.items() if now_s - question.at_s < ASK_AGAIN_S
        }
        self._answers = {
            group: answer for group, answer in self._answers.items() if now_s - answer.at_s < ANSWER_VALID_S
        }

    def _netgroup_of(self, session: Session) -> str:
        return netgroup_of(session.tcp_address.host, ipv4_prefix=self._options.netgroup_prefix)


def _host_in(text: str | None) -> str | None:
    """The IP address in a peer's statement of where it sees us."""
    try:
        address = Address.parse(text) if text else None
    except AddressError:
        return None
    return address.host if address and address.ip else None
