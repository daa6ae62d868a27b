"""Every setting of the program: `AGG_*` in the environment, or in `.env`.

The environment wins over `.env`. A wrong value is refused at the start, by the variable's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from stdnum import iban

_PREFIX = "AGG_"


class SettingsError(Exception):
    """A setting is wrong; the message has one line for each."""


class Environment(StrEnum):
    """What this installation is for."""

    DEV = "dev"
    TEST = "test"
    PRODUCTION = "production"


class ClockKind(StrEnum):
    """Which time the market lives in."""

    REAL = "real"
    SIMULATED = "simulated"


def _database_address(value: str) -> str:
    if urlsplit(value).scheme not in {"postgresql", "postgres"}:
        raise ValueError("an address like postgresql://user:password@host/database is needed")
    return value


def _redis_address(value: str) -> str:
    if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("an address like redis://host:6379/0 is needed")
    return value


def _web_address(value: str) -> str:
    address = urlsplit(value)
    if address.scheme not in {"http", "https"} or not address.netloc or address.query:
        raise ValueError("an address like https://market.example is needed")
    return value.rstrip("/")


def _beacon_address(value: str) -> str:
    address = urlsplit(value)
    chain = value.rpartition("/")[2]
    is_open = address.scheme == "https" or address.hostname in {"localhost", "127.0.0.1", "::1"}
    if not is_open or not re.fullmatch("[0-9a-f]{64}", chain) or not address.hostname:
        raise ValueError("an address like https://api.drand.sh/<hash of the chain> is needed")
    return value


def _mail_server(value: str) -> str:
    server = urlsplit(value)
    if server.scheme not in {"smtp", "smtps"} or not server.hostname or server.path.strip("/"):
        raise ValueError("a server like smtps://user:password@mail.example:465 is needed")
    return value


def _mail_address(value: str) -> str:
    user, _, host = parseaddr(value)[1].rpartition("@")
    if not (value.isprintable() and user and host):
        raise ValueError("an address like Market <notices@market.example> is needed")
    return value


def _bank_account(value: str) -> str:
    number = re.sub("[ -]", "", value).upper()
    is_iban = number[:2].isalpha() and iban.is_valid(number, check_country=False)
    if not is_iban and not re.fullmatch("[0-9]{8,32}", number):
        raise ValueError("an IBAN with its check digits, or 8 to 32 digits, is needed")
    return number


def _bank_words(value: str) -> str:
    words = value.strip()
    if not words or not words.isprintable():
        raise ValueError("words on one line are needed, as payers type them")
    return words


@dataclass(frozen=True, slots=True)
class MarketAccount:
    """The market's own account at a bank, which firms pay in to."""

    holder: str
    number: str
    bank: str


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    env: Environment = Field(
        Environment.DEV, description="What this installation is for: dev, test or production"
    )
    database_url: Annotated[str, AfterValidator(_database_address)] | None = Field(
        None, description="PostgreSQL 15 or newer; without it, one of our own in the data folder"
    )
    database_connections: int = Field(
        10, ge=2, le=100, description="The most connections that each process opens"
    )
    redis_url: Annotated[str, AfterValidator(_redis_address)] | None = Field(
        None, description="Redis or Valkey that wakes the other processes; one process needs none"
    )
    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on")
    port: int = Field(
        8000, ge=0, le=65_535, description="The port to listen on; 0 takes a free one"
    )
    workers: int = Field(1, ge=1, le=64, description="How many processes serve")
    public_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None, description="Where browsers find the market; without it, the address listened on"
    )
    mail_url: Annotated[str, AfterValidator(_mail_server)] | None = Field(
        None, description="The server that takes mail, smtps:// or smtp://; without it, no mail"
    )
    mail_from: Annotated[str, AfterValidator(_mail_address)] | None = Field(
        None, description="Whom mail comes from; needed where AGG_MAIL_URL is set"
    )
    beacon_url: Annotated[str, AfterValidator(_beacon_address)] | None = Field(
        None, description="A drand chain that orders drawn ties; without it, the seed alone does"
    )
    bank_holder: Annotated[str, Field(max_length=140), AfterValidator(_bank_words)] | None = Field(
        None, description="In whose name the market's account is that firms pay in to"
    )
    bank_account: Annotated[str, AfterValidator(_bank_account)] | None = Field(
        None, description="Its number, an IBAN or 8 to 32 digits; firms are shown it under Money"
    )
    bank_name: Annotated[str, Field(max_length=140), AfterValidator(_bank_words)] | None = Field(
        None, description="At which bank it is, with the branch and its code"
    )
    clock: ClockKind = Field(
        ClockKind.REAL, description="real, or simulated in dev and test: time set by command"
    )
    data_dir: Path = Field(Path("var"), description="The folder for everything written here")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important line still logged"
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        if self.mail_url is not None and self.mail_from is None:
            raise ValueError("AGG_MAIL_FROM: mail needs an address that it comes from")
        told = (self.bank_holder, self.bank_account, self.bank_name)
        if None in told and any(told):
            raise ValueError(
                "AGG_BANK_ACCOUNT: AGG_BANK_HOLDER, AGG_BANK_ACCOUNT and AGG_BANK_NAME go together"
            )
        if self.env is Environment.PRODUCTION:
            if self.database_url is None:
                raise ValueError(
                    "AGG_DATABASE_URL: production needs a PostgreSQL server of its own; the "
                    "embedded one is for development and tests"
                )
            if self.clock is not ClockKind.REAL:
                raise ValueError("AGG_CLOCK: production runs on real time only")
        return self

    @property
    def public_address(self) -> str:
        """Where browsers find the market, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def market_account(self) -> MarketAccount | None:
        """The account that firms pay in to, or None while nobody has entered it."""
        if self.bank_holder is None or self.bank_account is None or self.bank_name is None:
            return None
        return MarketAccount(self.bank_holder, self.bank_account, self.bank_name)

    @property
    def embedded_database_dir(self) -> Path:
        """Where the database of our own lives."""
        return self.data_dir / "pg"


def load_settings(**overrides: object) -> Settings:
    """Read the settings; what a command line says wins over the environment.

    Raises:
        SettingsError: naming each wrong variable, the rule, and the value unless it is secret.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [_line(item["loc"], item["msg"]) for item in error.errors(include_input=False)]
        raise SettingsError("\n".join(lines)) from error


def _line(place: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{variable(str(place[0]))}: {message}" if place else message


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return f"{_PREFIX}{field.upper()}"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as it is shown to the operator."""

    variable: str
    value: str
    is_default: bool
    meaning: str


def describe(settings: Settings) -> list[SettingRow]:
    """Return every setting with its value, passwords masked, in the order of the class."""
    return [
        SettingRow(
            variable=variable(name),
            value=masked(_shown(getattr(settings, name))),
            is_default=name not in settings.model_fields_set,
            meaning=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def masked(address: str) -> str:
    """Return an address with its password hidden, wherever it stands in it."""
    parts = urlsplit(address)
    shown = address
    if parts.password is not None:
        user, _, place = parts.netloc.rpartition("@")
        shown = shown.replace(parts.netloc, f"{user.partition(':')[0]}:***@{place}", 1)
    for piece in parts.query.split("&"):
        name, equals, _ = piece.partition("=")
        if equals and name.lower() in {"password", "passfile", "sslpassword", "sslkey"}:
            shown = shown.replace(piece, f"{name}=***", 1)
    return shown
