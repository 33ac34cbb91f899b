"""One scrape, parsed: what a test asks of an exposition."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import parser
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import parser as openmetrics_parser

from nocarrier.outputs.metrics import exposition

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True)
class Scraped:
    """The families of one scrape."""

    families: dict[str, Family]

    @classmethod
    def of(cls, *arguments, accept: str = OPENMETRICS) -> Scraped:
        """Scrape what `exposition` is given, and parse it by the strict parser of its format."""
        body, content_type = exposition(*arguments, accept=accept)
        parse = (
            openmetrics_parser.text_string_to_metric_families
            if content_type.startswith("application/openmetrics-text")
            else parser.text_string_to_metric_families
        )
        return cls({family.name: family for family in parse(body.decode())})

    @functools.cached_property
    def _by_name(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for family in self.families.values():
            for sample in family.samples:
                found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
        return found

    def samples(self, name: str) -> dict[tuple[tuple[str, str], ...], float]:
        """By sorted labels, all samples of that name."""
        return self._by_name.get(name, {})

    def total(self, name: str, **labels: str) -> float:
        """The sum over all samples of that name with those labels."""
        wanted = set(labels.items())
        return sum(value for found, value in self.samples(name).items() if wanted <= set(found))

    def values_of(self, label: str, names: Iterable[str]) -> set[str]:
        """Every value that the label has in samples of those names."""
        return {value for name in names for found in self.samples(name) for key, value in found if key == label}
