"""Prometheus metrics, computed at each scrape from what the tracker, the node and the doctor know.

So there is no second counter that could drift. A program that has a registry adds these metrics to it:

```python
prometheus_client.REGISTRY.register(nocarrier.DialCollector(nocarrier.global_tracker()))
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
