"""What a node answered, and the struct of `web.views` that it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from nocarrier.errors import AnotherApiError
from nocarrier.model.version import VERSION
from nocarrier.model.wording.word import newer_words

View = TypeVar("View")

VersionOf = Callable[[], str | None]
"""Asks the node for its version; None: it does not say. Called only if an answer cannot be read."""


class NodeAnswer:
    """One answer of a node.

    Attributes:
        document: the JSON object as the node sent it.
    """

    def __init__(self, document: dict[str, Any], where: str, version_of: VersionOf) -> None:
        self.document = document
        self._where = where
        self._version_of = version_of

    def read(self, view: type[View]) -> View:
        """The answer as the struct that the route gives.

        A field that this version does not know is left out, and a word that it does not know is kept as it is (see
        `model.wording.word`): a newer node has more of both.

        Raises:
            AnotherApiError: a field is missing or of another type.
        """
        return self._convert(self.document, view)

    def part(self, field: str, wanted: type[View]) -> View | None:
        """One field of the answer alone, so that other fields need not be readable; raises as `read`."""
        if field not in self.document:
            self._refuse(f"Object missing required field `{field}`")
        value = self.document[field]
        return None if value is None else self._convert(value, wanted, f" in `{field}`")

    def _convert(self, value: object, wanted: type[View], place: str = "") -> View:
        import msgspec  # noqa: PLC0415 - loaded once there is an answer to read

        with newer_words():
            try:
                return msgspec.convert(value, wanted)
            except msgspec.ValidationError as error:
                self._refuse(f"{error}{place}", error)

    def _refuse(self, what: str, error: Exception | None = None) -> NoReturn:
        version = self._version_of()
        who = f"that node (nocarrier {version})" if version is not None else "the server there"
        raise AnotherApiError(
            f"{self._where}: {who} speaks another version of the API than this program (nocarrier {VERSION}): {what}; "
            "upgrade the older of the two, or ask another node with --url"
        ) from error
