"""nocarrier tells you why your peer-to-peer connections fail.

The core needs nothing but the standard library:

```python
import nocarrier

async with nocarrier.dial("203.0.113.7:7072", source="seed") as d:
    reader, writer = await d.connect(timeout_s=10)
```

`nocarrier.serve()`, `nocarrier.asgi_app()`, `nocarrier.SqliteHistory` and `nocarrier.DialCollector` come with the extra
``nocarrier[node]``.
"""

import logging
from typing import TYPE_CHECKING, Any

from nocarrier.classification import classify
from nocarrier.dialing.policy import AddressPolicy
from nocarrier.errors import AddressError, ConfigError, DialSkipped, NocarrierError, PeerRejected
from nocarrier.model.event import Attempt, DialEvent, DialFailure
from nocarrier.model.fault import Evidence, Fault
from nocarrier.model.taxonomy import Blame, Kind, Outcome, Phase, Reason, Retry, Source
from nocarrier.model.version import VERSION
from nocarrier.recorder import dial, get_dial_failures, global_tracker, record_dial_failure, record_dial_success
from nocarrier.tracking import DialTracker

if TYPE_CHECKING:
    from nocarrier.app.embedded import asgi_app, serve
    from nocarrier.outputs.history import SqliteHistory
    from nocarrier.outputs.metrics import DialCollector
    from nocarrier.probing.prober import Prober

__version__ = VERSION

# The embedding program decides where logs go; without this, Python would write warnings to stderr.
logging.getLogger("nocarrier").addHandler(logging.NullHandler())

__all__ = [
    "AddressError",
    "AddressPolicy",
    "Attempt",
    "Blame",
    "ConfigError",
    "DialCollector",
    "DialEvent",
    "DialFailure",
    "DialSkipped",
    "DialTracker",
    "Evidence",
    "Fault",
    "Kind",
    "NocarrierError",
    "Outcome",
    "PeerRejected",
    "Phase",
    "Prober",
    "Reason",
    "Retry",
    "Source",
    "SqliteHistory",
    "asgi_app",
    "classify",
    "dial",
    "get_dial_failures",
    "global_tracker",
    "record_dial_failure",
    "record_dial_success",
    "serve",
]


# Imported on first use: most of them need the extra nocarrier[node].
_LATER = {
    "DialCollector": "nocarrier.outputs.metrics",
    "Prober": "nocarrier.probing.prober",
    "SqliteHistory": "nocarrier.outputs.history",
    "asgi_app": "nocarrier.app.embedded",
    "serve": "nocarrier.app.embedded",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'nocarrier' has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - only needed here

    try:
        return getattr(importlib.import_module(_LATER[name]), name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"nocarrier.{name} needs the extra nocarrier[node]: pip install 'nocarrier[node]' ({error})"
        ) from error
