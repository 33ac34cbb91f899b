"""What a scenario declares: a fault in a small network, and what the doctor must say about it.

```python
Scenario(
    name="closed_port",
    what="Nothing listens on the port of one peer.",
    faults=(at_start(bad_server("closed_port")),),
    expected_reason="connection_refused",
    expected_cause="peer_down",
)
```

`lab.steps` holds the faults that several scenarios share. A fault is any function that takes a `lab.stage.Stage`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeAlias

from lab.stage import Stage
from lab.wire import WireSettings

Step: TypeAlias = Callable[[Stage], object]
"""Something that happens in the network: a fault, or what an operator does about one."""


class When(Enum):
    """When a fault strikes."""

    AT_START = auto()
    """Before the node under test starts; the good peers have found each other by then."""
    ONCE_CONNECTED = auto()
    """Once the node has a session with every good peer."""
    LATER = auto()
    """Some seconds after the faults before it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What strikes, and when; made by the three functions below."""

    when: When
    steps: tuple[Step, ...]
    seconds: float = 0.0


def at_start(*steps: Step) -> Fault:
    """Faults that exist before the node under test starts."""
    return Fault(When.AT_START, steps)


def once_connected(*steps: Step) -> Fault:
    """Faults that strike once the node under test has a session with every good peer."""
    return Fault(When.ONCE_CONNECTED, steps)


def after(seconds: float, *steps: Step) -> Fault:
    """Faults that strike `seconds` after the ones before."""
    return Fault(When.LATER, steps, seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What an operator does about the cause, and how soon after that the finding must be gone."""

    says: str
    """A part of one of the finding's next actions: the operator does what it says."""
    step: Step
    clears_within_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One fault, or one network without any, and the verdict that the doctor must reach."""

    name: str
    what: str
    """One sentence."""
    expected_reason: str | None
    """The reason of the failed dials that show the fault; None: not checked."""
    expected_cause: str | None
    """The code of the finding that must come first; None: nothing above info may be found."""
    faults: tuple[Fault, ...] = ()
    expected_severity: str | None = None
    """The blame of that finding; None: not checked."""
    expected_blame: str | None = None
    """The severity of that finding; None: not checked."""

    good_peers: tuple[int, int] = (4, 6)
    """The fewest and the most good peers; each is in networks of its own."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the node under test, under [node]."""
    timing: Mapping[str, float] = field(default_factory=dict)
    """Settings of the node under test, under [timing], instead of random ones."""
    peer_options: Mapping[str, Any] = field(default_factory=dict)
    """Options of all good peers, as in NodeOptions."""
    behind_nat: bool = False
    wire: WireSettings | None = None
    """Put a wire with faults between `wire_between`."""
    wire_between: tuple[str, str] = ("gateway", "backbone")

    expected_beside: tuple[str, ...] = ()
    """Codes that must be found too."""
    allowed_beside: tuple[str, ...] = ()
    """Codes above info that are also true, and may be found."""
    may_have_info: bool = True
    """Whether findings of severity info are allowed if no cause is expected."""
    connects: float = 1.0
    """If no cause is expected: the share of the good peers to which the node must be connected at the end."""

    needs_s: float = 30.0
    """How long the fault may take to cause telling failures; three of them, or fewer if those are enough."""
    within_s: float = 10.0
    """How soon after the third telling failure the cause must be found."""
    stays_s: float = 6.0
    """How long the cause is watched after it was found: it must not come and go."""
    watch_s: float = 20.0
    """How long a node is watched if no cause is expected."""
    remedy: Remedy | None = None

    def __post_init__(self) -> None:
        """Refuse combinations that make no sense."""
        if self.expected_cause is None and (self.remedy or self.expected_beside):
            raise ValueError(f"{self.name}: no finding is expected, so none can clear or have others beside it")

    @property
    def limit_s(self) -> float:
        """After this time something in the lab hangs."""
        later_s = sum(fault.seconds for fault in self.faults)
        clears_s = self.remedy.clears_within_s if self.remedy else 0.0
        return 120 + later_s + self.needs_s + self.within_s + self.stays_s + self.watch_s + clears_s
