"""Numbers of bank accounts: an IBAN by its check digits, a Chinese number with its bank."""

from __future__ import annotations

import pytest

from aggregator.errors import InvalidField
from aggregator.settlement.account_numbers import checked_number, plain_number, told_number

BANK = "102100099996"


@pytest.mark.parametrize(
    ("text", "bank", "kept"),
    [
        ("de89 3704 0044 0532 0130 00", "", ("DE89370400440532013000", "")),
        ("GB82-WEST-1234-5698-7654-32", "", ("GB82WEST12345698765432", "")),
        ("6222 0000 1234 5678", BANK, ("6222000012345678", BANK)),
    ],
)
def test_a_number_is_kept_without_its_spaces(text: str, bank: str, kept: tuple[str, str]) -> None:
    assert checked_number(text, bank) == kept


@pytest.mark.parametrize(
    ("text", "bank", "pointer"),
    [
        ("DE88 3704 0044 0532 0130 00", "", "/number"),
        ("DE89 3704", "", "/number"),
        ("DE89370400440532013000", BANK, "/bank_code"),
        ("6222 0000 1234 5678", "", "/bank_code"),
        ("6222 0000 1234 5678", "10210009999", "/bank_code"),
        ("6222", BANK, "/number"),
        ("６２２２００００１２３４", BANK, "/number"),
        ("", BANK, "/number"),
        ("6" * 40, BANK, "/number"),
    ],
)
def test_a_wrong_number_is_refused_at_its_field(text: str, bank: str, pointer: str) -> None:
    with pytest.raises(InvalidField) as refused:
        checked_number(text, bank)

    assert refused.value.pointer == pointer


def test_any_text_of_a_bank_is_compared_by_its_letters_and_digits() -> None:
    assert plain_number(" cn-6222/01 ") == "CN622201"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("6222-0000/1234.5678", "6222000012345678"),
        ("6222********5678", ""),
        ("NOTPROVIDED", ""),
        ("6" * 40, ""),
        ("", ""),
    ],
)
def test_a_number_that_a_bank_hides_or_lacks_is_told_as_nothing(text: str, told: str) -> None:
    assert told_number(text) == told
