"""The keys of an installation, kept outside its database.

Two of them, made on first use in a folder that only its owner may read: one seals what nobody
may read before its time, so that neither the database nor a copy of it tells; the other signs
what the market publishes. Every process of an installation needs the same folder. Whoever loses
it cannot open what was sealed, so it belongs into the backup, apart from the database's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.errors import MarketError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_BYTES = 32
_NONCE_BYTES = 12
_SEALING, _SIGNING = "sealing.key", "signing.key"


class KeyLost(MarketError):
    """What was sealed with another key, or was changed since, cannot be opened."""

    code = "key_lost"


class KeysAway(Exception):
    """This installation's keys cannot be used; the message says why."""


@dataclass(frozen=True)
class Vault:
    """The two keys; `public_key` is what others check signatures with."""

    sealing: bytes
    signing: bytes

    @classmethod
    def in_memory(cls) -> Vault:
        """Return keys that end with the process, for tests and the laboratory."""
        return cls(secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))

    @classmethod
    def at(cls, folder: Path) -> Vault:
        """Read the keys of `folder`, or make them there; of two makers the first one counts."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(_kept(folder.joinpath(_SEALING)), _kept(folder.joinpath(_SIGNING)))

    @property
    def public_key(self) -> str:
        """The key that checks signatures: 32 bytes, in hexadecimal."""
        return self._signer.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        """Return the Ed25519 signature (RFC 8032) of `content`, in hexadecimal."""
        return self._signer.sign(content).hex()

    def wrap(self, secret: bytes, purpose: str) -> str:
        """Return `secret` as only this installation can read it, for this purpose only."""
        return seal(self.sealing, secret, purpose)

    def unwrap(self, wrapped: str, purpose: str) -> bytes:
        """Return what was wrapped.

        Raises:
            KeyLost: another installation wrapped it, or for another purpose.

        """
        return unseal(self.sealing, wrapped, purpose)

    @cached_property
    def _signer(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # loaded when first needed

        return ed25519.Ed25519PrivateKey.from_private_bytes(self.signing)


def seal(key: bytes, content: bytes, purpose: str) -> str:
    """Return `content` under AES-256-GCM with a fresh nonce, in hexadecimal."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return (nonce + AESGCM(key).encrypt(nonce, content, purpose.encode())).hex()


def unseal(key: bytes, sealed: str, purpose: str) -> bytes:
    """Return what `seal` hid.

    Raises:
        KeyLost: it was sealed with another key or for another purpose, or changed since.

    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = bytes.fromhex(sealed)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise KeyLost from error


def derived(key: bytes, purpose: str) -> bytes:
    """Return another key, from which neither `key` nor a sister can be told."""
    mac = keyed(key)
    mac.update(purpose.encode())
    return mac.digest()


def keyed(key: bytes) -> hashlib.blake2b:
    """Return BLAKE2b (RFC 7693) of 32 bytes, keyed, with nothing in it yet."""
    return _keyed(key).copy()


@lru_cache(maxsize=4096)
def _keyed(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(key=key, digest_size=KEY_BYTES)


def is_signed(public_key: str, signature: str, content: bytes) -> bool:
    """Say whether `signature` of `content` was made with the key of `public_key`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        known = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        known.verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _kept(path: Path) -> bytes:
    """Return the key of a file; a file that is not there is made whole or not at all."""
    if not path.exists():
        made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    found = path.read_bytes()
    if len(found) != KEY_BYTES:
        raise ValueError(f"{path} is no key: {len(found)} bytes")
    return found


@dataclass
class _Installed:
    vault: Vault
    folder: Path | None = None


_INSTALLED = _Installed(Vault.in_memory())


def install(folder: Path) -> None:
    """Use the keys in `keys` below the data folder in this process from now on.

    Raises:
        KeysAway: they can neither be read nor made there.

    """
    try:
        found = Vault.at(folder.joinpath("keys"))
    except OSError as error:
        raise KeysAway(
            f"The data folder {folder} cannot hold the market's keys: {error.strerror or error}."
        ) from error
    except ValueError as error:
        raise KeysAway(f"The market's keys cannot be used: {error}.") from error
    _INSTALLED.vault, _INSTALLED.folder = found, folder


def vault() -> Vault:
    """Return this process's keys: in memory until a folder was installed."""
    return _INSTALLED.vault


def data_folder() -> Path | None:
    """Return the folder beside the database, None where all is in memory."""
    return _INSTALLED.folder
