"""Settings, read from a TOML file, the environment and flags; each overrides the ones before it.

`NOCARRIER_NODE_TARGET_PEERS` in the environment is `target_peers` under `[node]`; separate the items of a list by
commas.
A value that cannot work stops the start. The error says where it was set and what is allowed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
import platformdirs
from msgspec import Meta

from nocarrier.errors import ConfigError
from nocarrier.model.listen import (
    ALLOWED_WITHOUT_TOKEN,
    DEFAULT_LISTEN,
    WHAT_A_TOKEN_IS,
    is_listen_address,
    is_loopback,
    is_token,
    parse_listen,
)
from nocarrier.model.wording.nearest import did_you_mean
from nocarrier.sources.node.options import Impossible, NodeOptions, TimingOptions, out_of_range

ENVIRONMENT_PREFIX = "NOCARRIER_"

_SET_BY_KUBERNETES = re.compile(r"(SERVICE_(HOST|PORT)|PORT)(_\w+)?\Z")
"""Variables such as NOCARRIER_HTTP_SERVICE_HOST, which Kubernetes sets in every container for a service
nocarrier-http."""


class HttpOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section ``[http]``."""

    listen: Annotated[
        str, Meta(description="host:port of the API and the page; any address but loopback needs a token.")
    ] = DEFAULT_LISTEN
    token: Annotated[str, Meta(description="Secret that every request must carry; empty: none is required.")] = ""

    def impossible(self) -> Iterator[Impossible]:
        """Values that cannot work, with what is allowed."""
        if self.token and not is_token(self.token):
            yield "token", WHAT_A_TOKEN_IS
        if not is_listen_address(self.listen):
            yield "listen", "host:port, an IPv6 address as [host]:port"
        elif not self.token and not is_loopback(parse_listen("listen", self.listen)[0]):
            yield "listen", ALLOWED_WITHOUT_TOKEN


class HistoryOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section ``[history]``."""

    enabled: Annotated[bool, Meta(description="Keep events across restarts.")] = True
    ttl_days: Annotated[float, Meta(description="Days after which events are deleted.")] = 30
    max_bytes: Annotated[
        int, Meta(description="Size of the history on disk in bytes beyond which the oldest events are deleted.")
    ] = 1_000_000_000
    recent_ttl_s: Annotated[
        float,
        Meta(description="Seconds for which failures are kept in memory; 0: until newer ones push them out."),
    ] = 0

    def impossible(self) -> Iterator[Impossible]:
        """Values that cannot work, with what is allowed."""
        return out_of_range(
            self, {"ttl_days": (0.01, 36_500), "max_bytes": (1_000_000, 2**50), "recent_ttl_s": (0, 10 * 365 * 86_400)}
        )


class TelemetryOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section ``[telemetry]``."""

    otlp: Annotated[
        bool,
        Meta(
            description="Export every dial to an OpenTelemetry collector over HTTP. The usual "
            "`OTEL_EXPORTER_OTLP_*` variables say where it is. Needs the extra `nocarrier[otel]`."
        ),
    ] = False

    def impossible(self) -> Iterator[Impossible]:
        """Values that cannot work: none."""
        return iter(())


Section: TypeAlias = NodeOptions | TimingOptions | HttpOptions | HistoryOptions | TelemetryOptions


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings; each attribute is a section."""

    node: NodeOptions = NodeOptions()
    timing: TimingOptions = TimingOptions()
    http: HttpOptions = HttpOptions()
    history: HistoryOptions = HistoryOptions()
    telemetry: TelemetryOptions = TelemetryOptions()

    def data_dir(self) -> Path:
        """Where the node keeps its state: `data_dir` of the settings, or the platform's user data folder."""
        if self.node.data_dir:
            return Path(self.node.data_dir).expanduser().absolute()
        return platformdirs.user_data_path("nocarrier", appauthor=False)


SECTIONS: dict[str, type[Section]] = {
    "node": NodeOptions,
    "timing": TimingOptions,
    "http": HttpOptions,
    "history": HistoryOptions,
    "telemetry": TelemetryOptions,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table of settings, from which the flags and the reference page are made."""

    section: str
    key: str
    type: str
    """text, list of texts, whole number, number or true/false."""
    default: Any
    meaning: str

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"{ENVIRONMENT_PREFIX}{self.section}_{self.key}".upper()

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return f"--{self.section}-{self.key}".replace("_", "-")


def setting_table() -> list[Setting]:
    """Every setting, in the order of the sections."""
    return [
        Setting(
            section=section,
            key=field.name,
            type=_type_name(field.type),
            default=field.default,
            meaning=_meaning(field.type),
        )
        for section, struct in SECTIONS.items()
        for field in msgspec.structs.fields(struct)
    ]


@dataclass(frozen=True, slots=True)
class _Given:
    """A value and where it was set, for the message if it is wrong."""

    value: object
    where: str
    is_text: bool = False
    """Whether numbers, lists and truth values are still text."""
    flag: str | None = None
    """The command-line flag that set it."""


_Key: TypeAlias = tuple[str, str]
"""Section and key."""


def load(
    path: Path | None = None, *, environ: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
) -> Settings:
    """The settings of this run.

    Args:
        path: a TOML file; None: no file.
        environ: the environment, such as `os.environ`.
        flags: what the command line set, by ``section.key``; None as a value: not set. Text is read as in the
            environment.

    Raises:
        ConfigError: the file cannot be read, or a key or value cannot work; says where it was set, and what is allowed.
    """
    given: dict[_Key, _Given] = {}
    if path is not None:
        given.update(_from_file(path))
    given.update(_from_environment(environ or {}))
    given.update(_from_flags(flags or {}))
    return Settings(**{section: _section(section, given) for section in SECTIONS})  # type: ignore[arg-type]


def _from_file(path: Path) -> Iterator[tuple[_Key, _Given]]:
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); name a TOML file that this user can read"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for section, content in document.items():
        if section not in SECTIONS:
            raise ConfigError(f"{path}: unknown section [{section}]. {did_you_mean(section, SECTIONS)}")
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: {section} = {content!r} is not a section; write it as [{section}]")
        for key, value in content.items():
            where = f"{path}: [{section}] {key}"
            _check_key(section, key, where)
            yield (section, key), _Given(value, where)


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[_Key, _Given]]:
    for name, value in environ.items():
        for section in SECTIONS:
            prefix = f"{ENVIRONMENT_PREFIX}{section}_".upper()
            if name.startswith(prefix):
                key = name.removeprefix(prefix).lower()
                if key in _keys(section) or not _SET_BY_KUBERNETES.match(key.upper()):
                    where = f"environment variable {name}"
                    _check_key(section, key, where)
                    yield (section, key), _Given(value, where, is_text=True)


def _from_flags(flags: Mapping[str, object]) -> Iterator[tuple[_Key, _Given]]:
    for name, value in flags.items():
        if value is None:
            continue
        section, _, key = name.partition(".")
        flag = f"--{section}-{key}".replace("_", "-")
        where = f"flag {flag}"
        if section not in SECTIONS:
            raise ConfigError(f"{where}: unknown section. {did_you_mean(section, SECTIONS)}")
        _check_key(section, key, where)
        yield (section, key), _Given(value, where, is_text=isinstance(value, str), flag=flag)


def _section(section: str, given: Mapping[_Key, _Given]) -> Section:
    fields = {field.name: field for field in msgspec.structs.fields(SECTIONS[section])}
    values = {key: _convert(given[section, key], fields[key].type) for key in fields if (section, key) in given}
    options = SECTIONS[section](**values)
    for key, allowed in options.impossible():
        found = given.get((section, key))
        where = found.where if found else f"[{section}] {key}"
        # A secret must not end up in a log.
        value = "…" if key == "token" else repr(getattr(options, key))
        raise ConfigError(f"{where} = {value} cannot work; it must be {allowed}", flag=found.flag if found else None)
    return options


def _convert(given: _Given, wanted: Any) -> Any:
    value = given.value
    if given.is_text and isinstance(value, str) and _type_name(wanted) == "list of texts":
        value = [item.strip() for item in value.split(",") if item.strip()]
    try:
        converted = msgspec.convert(value, wanted, strict=not given.is_text)
        _require_utf8(converted)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        encoded = " in UTF-8" if isinstance(error, UnicodeEncodeError) else ""
        raise ConfigError(
            f"{given.where} = {given.value!r} cannot work; it must be {_type_in_words(wanted)}{encoded}",
            flag=given.flag,
        ) from None
    return converted


def _require_utf8(value: object) -> None:
    """Refuse lone surrogates, which represent bytes of the environment that are not UTF-8."""
    for text in value if isinstance(value, tuple) else (value,):
        if isinstance(text, str):
            text.encode()


def _keys(section: str) -> tuple[str, ...]:
    return SECTIONS[section].__struct_fields__


def _check_key(section: str, key: str, where: str) -> None:
    if key not in _keys(section):
        known = f"Allowed are {', '.join(_keys(section))}."
        raise ConfigError(f"{where}: unknown key. {did_you_mean(key, _keys(section), known)}")


_TYPE_NAMES: dict[type[msgspec.inspect.Type], str] = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.VarTupleType: "list of texts",
    msgspec.inspect.IntType: "whole number",
    msgspec.inspect.FloatType: "number",
    msgspec.inspect.BoolType: "true/false",
}


def _described(annotated: Any) -> msgspec.inspect.Metadata:
    described = msgspec.inspect.type_info(annotated)
    assert isinstance(described, msgspec.inspect.Metadata), "every setting says what it means"
    return described


def _type_name(annotated: Any) -> str:
    return _TYPE_NAMES[type(_described(annotated).type)]


def _type_in_words(annotated: Any) -> str:
    """The type for a sentence, such as "a whole number"."""
    name = _type_name(annotated)
    return name if name in {"text", "true/false"} else f"a {name}"


def _meaning(annotated: Any) -> str:
    return str((_described(annotated).extra_json_schema or {})["description"])
