"""Which probes the causes ask for; most ask for one of these sets, or for none."""

from __future__ import annotations

from nocarrier.model.probe import Looks, Probe

AT_PATH = Looks(frozenset({Probe.ROUTES, Probe.REDIAL, Probe.TRACE}))

AT_PATH_AND_HOST = Looks(AT_PATH.probes | {Probe.OTHER_PORTS})

AT_HOST = Looks(frozenset({Probe.REDIAL, Probe.OTHER_PORTS}))

OURS = Looks(why_none="it is about this process and its settings, which no packet can tell more about.")

SAID = Looks(why_none="it rests on what peers said in their handshakes, and a probe does not get that far.")

HUNG_UP = Looks(why_none="the peer hangs up on whoever connects, and a probe would be one more connection.")
