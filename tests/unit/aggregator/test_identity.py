"""Codes, credit codes and names, against what others have published."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from stdnum.eu import vat

from aggregator.errors import InvalidField
from aggregator.parties.names import checked_name, look_of
from aggregator.parties.permissions import grants_of
from aggregator.parties.totp import code_at, matching_step, text_of
from aggregator.parties.uscc import check_sign, checked_uscc
from aggregator.parties.vat import checked_vat
from web.locale.rules import rule_words

DIGITS = b"1234567890" * 7
# RFC 6238, appendix B: time, and the eight digits for SHA-1, SHA-256 and SHA-512.
VECTORS = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]


@pytest.mark.parametrize(("time_s", "sha1", "sha256", "sha512"), VECTORS)
def test_codes_are_those_of_the_standard(time_s: int, sha1: str, sha256: str, sha512: str) -> None:
    step = time_s // 30

    assert code_at(DIGITS[:20], step, digits=8, digest="sha1") == sha1
    assert code_at(DIGITS[:32], step, digits=8, digest="sha256") == sha256
    assert code_at(DIGITS[:64], step, digits=8, digest="sha512") == sha512


def test_a_code_counts_once_and_only_near_its_time() -> None:
    secret, now = DIGITS[:20], datetime(2027, 1, 4, tzinfo=UTC)
    present = int(now.timestamp()) // 30

    assert matching_step(secret, code_at(secret, present), now, after=0) == present
    assert matching_step(secret, code_at(secret, present - 1), now, after=0) == present - 1
    assert matching_step(secret, code_at(secret, present), now, after=present) is None
    assert matching_step(secret, code_at(secret, present - 2), now, after=0) is None
    assert matching_step(secret, "１２３４５６", now, after=0) is None


def test_a_secret_is_typed_in_base32() -> None:
    assert text_of(b"12345678901234567890") == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("91350100M000100Y43", "91350100M000100Y43"),
        ("9144030071526726xg ", "9144030071526726XG"),
        ("9 1350100-M000100Y4 3", "91350100M000100Y43"),
    ],
)
def test_a_real_credit_code_is_taken(typed: str, kept: str) -> None:
    assert checked_uscc(typed) == kept


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("91350100M000100Y44", "一位输错：第 18 位校验码 4 与前 17 位不符"),
        ("91350100M000100Y4", "须为 18 位，现为 17 位"),
        ("91350100M000100Y431", "须为 18 位，现为 19 位"),
        ("9135O100M000100Y43", "不含 I、O、S、V、Z）：第 5 位为 O"),
        ("", "须为 18 位，现为 0 位"),
        ("９" * 18, "第 1 位为 ９"),
        ("91350100\x00000100Y43", "第 9 位为 ?"),
    ],
)
def test_a_wrong_credit_code_is_told_its_rule_and_the_place(code: str, told: str) -> None:
    with pytest.raises(InvalidField) as refused:
        checked_uscc(code)

    assert told in (rule_words("zh", refused.value.rule) or "")
    assert rule_words("en", refused.value.rule) == refused.value.rule


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("DE136695976", "DE136695976"),
        ("de 136.695.976", "DE136695976"),
        ("FR40303265045", "FR40303265045"),
        ("NL004495445B01", "NL004495445B01"),
        ("ATU13585627", "ATU13585627"),
    ],
)
def test_a_real_vat_number_is_taken_with_its_state_first(typed: str, kept: str) -> None:
    assert checked_vat(typed) == kept


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("DE136695975", "check digits"),
        ("NL004495446B01", "check digits"),
        ("136695976", "state first"),
        ("US136695976", "state first"),
        ("DE１３６６９５９７６", "the form DE999999999,"),
        ("DE" + "1" * 60, "the form DE999999999,"),
        ("FR1", "the form FRXX999999999,"),
        ("GR1", "the form EL999999999,"),
        ("AT13585627", "the form ATU99999999,"),
        ("", "state first"),
    ],
)
def test_a_wrong_vat_number_is_refused_by_its_rule(typed: str, rule: str) -> None:
    with pytest.raises(InvalidField) as refused:
        checked_vat(typed)

    assert rule in refused.value.rule
    assert rule_words("zh", refused.value.rule)


def test_every_state_has_a_form_that_it_is_told() -> None:
    for state in vat.MEMBER_STATES:
        with pytest.raises(InvalidField, match=r"the form [A-Z]{2}[9XLU]"):
            checked_vat(f"{state}!")


def test_every_swap_of_neighbours_and_every_single_slip_is_found() -> None:
    code = "91350100M000100Y43"

    for place in range(17):
        for sign in "0123456789ABCDEFGHJKLMNPQRTUWXY":
            slipped = code[:place] + sign + code[place + 1 : 17]
            assert (check_sign(slipped) == code[17]) is (sign == code[place])


@pytest.mark.parametrize(
    "name",
    [
        "Gu\u0430ngxi Sugar",
        "South\u202emill",
        "South\u200bmill",
        "\u2066mill",
        "Mill\u00adA",
        "Ρ Sugar",
    ],
)
def test_a_name_that_pretends_is_refused(name: str) -> None:
    with pytest.raises(InvalidField):
        checked_name(name, "/name")


@pytest.mark.parametrize(
    "name", ["广西糖业", "广西 Sugar №1", "Société Sucrière", "Сахар Юг", "糖ABC"]
)
def test_a_plain_name_in_any_one_alphabet_is_taken(name: str) -> None:
    assert checked_name(name, "/name") == name


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Guangxi Sugar", "GUANGXI  SUGAR"),
        ("Guangxi Sugar", "Ｇuangxi-Sugar"),
        ("COCO", "СОСО"),
        ("Mill 10", "Mill lO"),
    ],
)
def test_names_that_look_alike_have_one_look(name: str, other: str) -> None:
    assert look_of(name) == look_of(other)


def test_other_names_have_other_looks() -> None:
    assert look_of("广西糖业") != look_of("广东糖业")
    assert look_of("Mill 2") != look_of("Mill 3")


def test_the_same_roles_hold_the_very_same_set_of_acts() -> None:
    assert grants_of(["buyer", "owner"]) is grants_of({"owner", "buyer"})
    assert grants_of(["buyer"]) < grants_of(["buyer", "owner"])
