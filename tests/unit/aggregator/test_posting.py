"""Which addresses a firm may have posted to: those of the open internet, and no way around it."""

import pytest

from aggregator.errors import InvalidField
from aggregator.notices.kinds import KINDS
from aggregator.notices.posting import checked_address, may_be_reached
from web.locale import keys

GOOD = ("https://example.com/x", "https://example.com:8443/x?y=1", "https://93.184.216.34/")
BAD = (
    "http://example.com/x",
    "http://localhost:80/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fd00::1]/",
    "https://user:secret@example.com/",
    "https://user@example.com/",
    "https://@example.com/",
    "https://example.com/#part",
    "https:///x",
    "https://example.com:port/",
    "https://example.com/a b",
    "https://example.com/\r\nHost: x",
    "https://例子.测试/",
    "ftp://example.com/",
    "https://example.com/" + "x" * 500,
)
INWARD = (
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1"),
    *("192.168.1.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "ff02::1"),
    *("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "2001:db8::1"),
)


@pytest.mark.parametrize("address", GOOD)
def test_an_address_of_the_open_internet_is_taken(address: str) -> None:
    assert checked_address(address, "/address") == address


@pytest.mark.parametrize("address", BAD)
def test_any_other_is_refused(address: str) -> None:
    with pytest.raises(InvalidField):
        checked_address(address, "/address")


@pytest.mark.parametrize("host", INWARD)
def test_no_way_leads_into_a_network_of_our_own(host: str) -> None:
    assert not may_be_reached(host)


def test_the_open_internet_may_be_reached() -> None:
    assert may_be_reached("93.184.216.34")
    assert may_be_reached("2606:2800:220:1:248:1893:25c8:1946")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_of_notice_has_its_words_and_no_other(language: str) -> None:
    for prefix in ("notice.", "notice_kind."):
        said = {key.removeprefix(prefix) for key in keys(language) if key.startswith(prefix)}

        assert said == KINDS.keys()
