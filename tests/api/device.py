"""A device that keeps a passkey, in as many lines as it takes: what a browser would hand over."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Device:
    """One key at one origin. `count` rises with each signature, unless it is a copy's."""

    origin: str
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    count: int = 0
    user_handle: str = ""
    flags: int = PRESENT | VERIFIED
    _key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def made(self, asked: dict[str, Any]) -> dict[str, str]:
        """Return the fresh key as the market wants to be told of it."""
        self.user_handle = asked["user_id"]
        point = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        key_id = len(self.credential_id).to_bytes(2) + self.credential_id
        about = self._about(asked["rp_id"], ATTESTED) + bytes(16) + key_id + cbor2.dumps(cose)
        attestation = {"fmt": "none", "attStmt": {}, "authData": about}
        return {
            "credential_id": text(self.credential_id),
            "client_data": text(self._client_data("webauthn.create", asked["challenge"])),
            "attestation": text(cbor2.dumps(attestation)),
        }

    def signed(self, asked: dict[str, Any]) -> dict[str, str]:
        """Return a challenge as this key signs it."""
        self.count += 1
        about = self._about(asked["rp_id"])
        client_data = self._client_data("webauthn.get", asked["challenge"])
        signed = about + hashlib.sha256(client_data).digest()
        return {
            "credential_id": text(self.credential_id),
            "client_data": text(client_data),
            "authenticator_data": text(about),
            "signature": text(self._key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "user_handle": self.user_handle,
        }

    def _about(self, rp_id: str, more: int = 0) -> bytes:
        place = hashlib.sha256(rp_id.encode()).digest()
        return place + bytes([self.flags | more]) + self.count.to_bytes(4)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin}
        return json.dumps(said).encode()


def text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
