"""docs/how-to/monitoring.md: its code shows the metrics of dials, and it names exactly the existing alerts."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.outputs.metrics.monitoring import ALERTS, DOC_QUERIES, MONITORING_PAGE


def test_every_alert_is_explained_and_no_other():
    assert re.findall(r"(?m)^### (\w+)$", MONITORING_PAGE) == ALERTS


def test_the_code_for_embedders_runs():
    [code] = re.findall(r"```python\n(.*?)```", MONITORING_PAGE, re.DOTALL)
    shown = "print(prometheus_client.generate_latest().decode())"
    program = f'{code}\nnocarrier.record_dial_failure("203.0.113.7:7072", "timeout", "seed")\n{shown}'
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert 'nocarrier_dial_failures_total{reason="timeout",source="seed"} 1.0' in output
    assert "nocarrier_connected_peers" not in output


def test_queries_exist():
    assert len(DOC_QUERIES) >= 8
