"""One scrape, parsed, with what a test asks of it."""

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
        """Scrape with this content type, and parse the result with the strict parser of its format."""
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
        """All samples of that name, by their sorted labels."""
        return self._by_name.get(name, {})

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples with that name and those labels."""
        wanted = set(labels.items())
        return sum(value for found, value in self.samples(name).items() if wanted <= set(found))

    def values_of(self, label: str, names: Iterable[str]) -> set[str]:
        """Every value of the label in samples with those names."""
        return {value for name in names for found in self.samples(name) for key, value in found if key == label}
