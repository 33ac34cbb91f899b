"""Prometheus metrics, computed at scrape from what track, node and doctor know, so that no second counter can drift.

A program with a registry of its own adds ours to it:

```python
prometheus_client.REGISTRY.register(nocarrier.outputs.metrics.DialCollector(nocarrier.global_tracker()))
```
"""

from nocarrier.outputs.metrics.collector import DialCollector, exposition
from nocarrier.outputs.metrics.metric import Label, Metric, MetricType
from nocarrier.outputs.metrics.table import METRICS, OF_DIAGNOSIS, OF_DIALS, OF_HISTORY, OF_NODE

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
