"""The table of why sessions end: it is complete, and says each code in words."""

from __future__ import annotations

import pytest

from nocarrier.model.node.session_end import SESSION_ENDS, SessionEndCode, session_end_facts
from nocarrier.sources.node.sessions.session import SessionEnd
from nocarrier.sources.node.wire.messages import Goodbye, decode, encode


def test_every_code_has_a_row_with_its_own_words():
    assert set(SESSION_ENDS) == set(SessionEndCode)
    meanings = [facts.meaning for facts in SESSION_ENDS.values()]
    assert all(meanings)
    assert len(set(meanings)) == len(meanings)


@pytest.mark.parametrize("code", SessionEndCode)
def test_every_code_can_be_sent_in_a_goodbye_and_is_understood(code):
    heard = decode(encode(Goodbye(code=code)))
    assert session_end_facts(heard.code) is SESSION_ENDS[code]
    assert str(SessionEnd(by_us=False, code=heard.code)) == f"the peer ended it: {SESSION_ENDS[code].meaning} ({code})"


def test_further_detail_is_shown_beside_the_code():
    end = SessionEnd(by_us=True, code=SessionEndCode.PING_TIMEOUT, detail="nothing received for 45 s")
    assert str(end) == "this node ended it: the other side stopped answering (ping_timeout, nothing received for 45 s)"


def test_a_word_of_a_later_version_is_shown_as_it_is():
    end = SessionEnd(by_us=False, code="tired", detail="of it all")
    assert str(end) == "the peer ended it: tired, of it all"
    assert end.facts.is_recorded
    assert end.facts.counts_against_peer


def test_only_an_end_without_cause_counts_as_our_wish():
    ours = {code for code in SessionEndCode if SessionEnd(by_us=True, code=code).was_our_wish}
    assert set(SessionEndCode) - ours == {
        SessionEndCode.PING_TIMEOUT,
        SessionEndCode.SEND_TIMEOUT,
        SessionEndCode.FLOODING,
        SessionEndCode.PROTOCOL_VIOLATION,
    }
    assert not any(SessionEnd(by_us=False, code=code).was_our_wish for code in SessionEndCode)
