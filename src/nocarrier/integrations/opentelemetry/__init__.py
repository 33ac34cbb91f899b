"""Dials as OpenTelemetry traces and metrics.

```python
from nocarrier.integrations.opentelemetry import export_dials

with export_dials(nocarrier.global_tracker()):  # uses the providers that your program has set up
    ...
```

`export_dials` needs only OpenTelemetry's API. `export_dials_over_otlp` sets up the SDK too, for programs that do not.
Both need the extra ``nocarrier[otel]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nocarrier.tracking import DialTracker

try:
    from nocarrier.integrations.opentelemetry.exporter import Exporter, export_dials
except ModuleNotFoundError as error:
    raise ImportError(
        f"exporting to OpenTelemetry needs {error.name}, which is not installed; run: pip install 'nocarrier[otel]'"
    ) from error

if TYPE_CHECKING:
    from nocarrier.integrations.opentelemetry.otlp import OtlpExporter

__all__ = ["Exporter", "export_dials", "export_dials_over_otlp"]


def export_dials_over_otlp(
    tracker: DialTracker,
    service_name: str = "nocarrier",
    *,
    service_version: str | None = None,
    instance_id: str | None = None,
) -> OtlpExporter:
    """Send the dials of `tracker`, from now on, to an OpenTelemetry collector. Sets up its own providers.

    Sends OTLP over HTTP to http://localhost:4318 unless the standard variables ``OTEL_EXPORTER_OTLP_*`` say otherwise.
    ``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES`` override the arguments.

    Args:
        tracker: has the dials to send.
        service_name: ``service.name``.
        service_version: ``service.version``; None: the version of nocarrier.
        instance_id: ``service.instance.id``, such as the node's id; None: a random one.

    Raises:
        ImportError: OpenTelemetry's SDK is not installed; the error says what to run.
    """
    try:
        from nocarrier.integrations.opentelemetry.otlp import OtlpExporter  # noqa: PLC0415 - the SDK may be missing
    except ModuleNotFoundError as error:
        raise ImportError(
            f"sending over OTLP needs {error.name}, which is not installed; run: pip install 'nocarrier[otel]'"
        ) from error
    return OtlpExporter(tracker, service_name, service_version=service_version, instance_id=instance_id)
