"""Probes a finding: active evidence, asked for by a person, at most once per finding and minute.

```python
prober = Prober(policy)
result = await prober.probe(finding)  # a ProbeResult, after 15 s at most; a kept one (age_s > 0) at once
await prober.close()
```

Callers that ask for the same finding meanwhile wait for the same probe, and one who goes away does not end it. Findings
are probed one after the other, so that each re-dial is alone on the wire as far as this prober goes. Policy applies to
each address, names resolved, as it does to dials; what it forbids is said and left alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nocarrier.dialing.policy import AddressPolicy
from nocarrier.dialing.resolve import Resolve, resolve_with_system
from nocarrier.model.address import DEFAULT_NETGROUP_PREFIX, IPAddress
from nocarrier.model.finding import Finding
from nocarrier.model.ports import Clock, MonotonicClock
from nocarrier.model.probe import ProbeResult
from nocarrier.probing.conclusions import conclude, plan_probes
from nocarrier.probing.facts import NO_PORTS, gather_facts

KEPT_FOR_S = 60.0
"""A finding is probed at most once in this time."""


@dataclass(frozen=True, slots=True)
class _Kept:
    began_s: float
    task: asyncio.Task[tuple[ProbeResult, float]]
    """Gives the result, and when it was there."""


class Prober:
    """Probes findings for one node or program. Belongs to one event loop.

    Args:
        policy: which addresses may be dialed.
        resolve: how names become addresses.
        netgroup_prefix: IPv4 bits that count as one network.
        local_ip: address of this machine to dial from, where it can; None: any.
        clock: returns seconds that never go back.
        wall_clock: returns Unix seconds.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        resolve: Resolve = resolve_with_system,
        *,
        netgroup_prefix: int = DEFAULT_NETGROUP_PREFIX,
        local_ip: IPAddress | None = None,
        clock: MonotonicClock = time.monotonic,
        wall_clock: Clock = time.time,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._netgroup_prefix = netgroup_prefix
        self._local_ip = local_ip
        self._clock = clock
        self._wall_clock = wall_clock
        self._kept: dict[str, _Kept] = {}
        self._one_at_a_time = asyncio.Lock()

    async def probe(self, finding: Finding, *, http_ports: Mapping[str, int] = NO_PORTS) -> ProbeResult:
        """What the network says about `finding` now, or said within the last minute.

        Args:
            finding: its code, and the addresses of its evidence.
            http_ports: ports on which peers are known to serve HTTP, by their address as in the finding.
        """
        now_s = self._clock()
        self._kept = {
            code: kept
            for code, kept in self._kept.items()
            if now_s - kept.began_s < KEPT_FOR_S or not kept.task.done()  # it may have waited long for its turn
        }
        kept = self._kept.get(finding.code)
        if kept is None:
            kept = _Kept(now_s, asyncio.create_task(self._probe(finding, http_ports)))
            self._kept[finding.code] = kept
        # Shielded: whoever goes away must not make the next one probe again within the minute.
        result, ended_s = await asyncio.shield(kept.task)
        return replace(result, age_s=round(self._clock() - ended_s, 3))

    async def close(self) -> None:
        """End what runs."""
        tasks = [kept.task for kept in self._kept.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _probe(self, finding: Finding, http_ports: Mapping[str, int]) -> tuple[ProbeResult, float]:
        plan = plan_probes(finding, netgroup_prefix=self._netgroup_prefix)
        async with self._one_at_a_time:
            began_s, began_unix = self._clock(), self._wall_clock()
            facts = await gather_facts(
                plan, self._policy, self._resolve, local_ip=self._local_ip, http_ports=http_ports
            )
            ended_s = self._clock()
        result = ProbeResult(
            code=finding.code,
            probed_unix=began_unix,
            age_s=0.0,
            duration_s=round(ended_s - began_s, 3),
            statements=conclude(finding.looks, facts, netgroup_prefix=self._netgroup_prefix),
            facts=facts,
        )
        return result, ended_s
