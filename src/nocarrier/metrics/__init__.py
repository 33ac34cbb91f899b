"""Prometheus metrics, computed at scrape from what track, node and doctor know, so that no second counter can drift.

A program with a registry of its own adds ours to it:

```python
prometheus_client.REGISTRY.register(nocarrier.metrics.DialCollector(nocarrier.global_tracker()))
```
"""

from nocarrier.metrics.collector import DialCollector, exposition
from nocarrier.metrics.metric import Label, Metric, MetricType
from nocarrier.metrics.table import METRICS, OF_DIAGNOSIS, OF_DIALS, OF_HISTORY, OF_NODE

__all__ = [
    "METRICS",
    "OF_DIAGNOSIS",
    "OF_DIALS",
    "OF_HISTORY",
    "OF_NODE",
    "DialCollector",
    "Label",
    "Metric",
    "MetricType",
    "exposition",
]
