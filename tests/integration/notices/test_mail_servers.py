"""Mail to a server that is not on this machine: always encrypted, logged in, never in clear."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aggregator.notices.letters import Letter, Unsent
from aggregator.notices.smtp import Smtp
from tests.post_office import PostOffice

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

# An address of this machine that does not count as local.
HOST = "127.0.0.2"
LOGIN = ("clerk@market", "p:a/s s@word")
LETTER = Letter("mail_1", "li.lei@example.com", "Subject", "Text", "https://market.example/account")


def written(folder: Path, names: list[x509.GeneralName]) -> Path:
    """Write a key with a certificate by itself for these names, and return their file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "mail.pem"
    clear = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, clear)
    file.write_bytes(private + made.public_bytes(pem))
    return file


def context_of(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for the host, which this process trusts."""
    file = written(tmp_path, [x509.IPAddress(ip_address(HOST))])
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return context_of(file)


async def sent(office: PostOffice, user: str = "") -> str:
    """Hand a letter over, as this user; return why not, or nothing."""
    url = f"smtp://{user}@{office.host}:{office.port}" if user else office.url
    try:
        await Smtp(url, "notices@market.example").send(LETTER)
    except Unsent as why:
        return str(why)
    return ""


@pytest.mark.parametrize("is_tls_at_once", [False, True])
async def test_mail_goes_encrypted_and_logged_in(tls: ssl.SSLContext, is_tls_at_once: bool) -> None:
    office = PostOffice(host=HOST, tls=tls, is_tls_at_once=is_tls_at_once, login=LOGIN)
    async with office:
        assert await sent(office) == ""

    assert [message["Subject"] for message in office.took] == ["Subject"]


async def test_a_wrong_password_is_told(tls: ssl.SSLContext) -> None:
    async with PostOffice(host=HOST, tls=tls, login=LOGIN) as office:
        assert await sent(office, "clerk:wrong") == "smtp_535"

    assert office.took == []


async def test_a_server_without_tls_is_told_nothing() -> None:
    async with PostOffice(host=HOST) as office:
        assert await sent(office) == "tls_missing"
        assert office.took == []


async def test_no_password_is_told_to_a_server_that_asks_for_none() -> None:
    async with PostOffice() as office:
        assert await sent(office, "clerk:word") == "login_missing"
        assert office.took == []


@pytest.mark.parametrize("is_tls_at_once", [False, True])
@pytest.mark.parametrize("is_trusted", [False, True])
async def test_a_certificate_of_nobody_known_or_for_another_host_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_tls_at_once: bool,
    is_trusted: bool,
) -> None:
    name = x509.DNSName("mail.example") if is_trusted else x509.IPAddress(ip_address(HOST))
    file = written(tmp_path, [name])
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    office = PostOffice(host=HOST, tls=context_of(file), is_tls_at_once=is_tls_at_once, login=LOGIN)

    async with office:
        assert await sent(office) == "tls_certificate"

    assert office.took == []
