"""ISO 20022 statements: camt.053 in and out.

Versions 001.02 to 001.14 are read, 001.08 is written. A file is taken whole or not at all: it
must be well formed without a document type, its booked entries must carry the account's
currency, and opening balance and entries must come to the closing balance, so that a file that
was cut or altered is refused. Entries that are only pending are left for a later statement. An
entry that sums up several payments becomes a line for each, where the bank names their amounts;
where it does not, the one line has a payer only if all of them have the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from xml.etree import ElementTree as Tree

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from aggregator.amounts import DECIMALS, decimal_text, minor_of
from aggregator.errors import InvalidField
from aggregator.settlement.account_numbers import is_iban
from aggregator.settlement.statements import CREDIT, DEBIT, StatementLine, statement_line

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
MAX_DEPTH = 32
_READ = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[2-9]|1[0-4])\}Document")
_SIGNS = {"CRDT": 1, "DBIT": -1}
_TEXT = 140
_KINDS = ("IBAN", "Othr/Id")


def read_camt(text: str) -> list[StatementLine]:
    """Return the booked entries of all statements in a file.

    Raises:
        InvalidField: it is no such file, or a figure of it breaks a rule.

    """
    root = parsed(text)
    if not _READ.fullmatch(root.tag):
        raise InvalidField("/Document", "camt053", root.tag[:100])
    bare(root)
    found: list[StatementLine] = []
    statements = root.findall("BkToCstmrStmt/Stmt")
    if not statements:
        raise InvalidField("/Document/BkToCstmrStmt/Stmt", "required")
    for number, statement in enumerate(statements):
        found += _lines(statement, f"/Stmt/{number}")
    return found


def parsed(text: str) -> Tree.Element:
    """Return a document's root; entities, document types and deep nesting are refused.

    Raises:
        InvalidField: the text is not well formed, or tries one of them.

    """
    try:
        root: Tree.Element = fromstring(text.removeprefix("\ufeff").encode(), forbid_dtd=True)
    except DefusedXmlException as refused:
        raise InvalidField("/Document", "xml_safe", type(refused).__name__) from None
    except (ParseError, ValueError) as broken:
        raise InvalidField("/Document", "xml", str(broken)[:80]) from None
    layer = [root]
    for _ in range(MAX_DEPTH):
        layer = [child for element in layer for child in element]
        if not layer:
            return root
    raise InvalidField("/Document", "depth", MAX_DEPTH)


def write_camt(
    lines: Sequence[StatementLine],
    *,
    account: str,
    currency: str,
    opening_minor: int,
    number: int,
    made_at: datetime,
) -> str:
    """Return a statement with these entries, whose balances add up."""
    root = Tree.Element("Document", {"xmlns": NAMESPACE})
    top = Tree.SubElement(root, "BkToCstmrStmt")
    at = made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    header = Tree.SubElement(top, "GrpHdr")
    put(header, "MsgId", f"CAMT-{number}")
    put(header, "CreDtTm", at)
    statement = Tree.SubElement(top, "Stmt")
    put(statement, "Id", f"STMT-{number}")
    put(statement, "ElctrncSeqNb", str(number))
    put(statement, "CreDtTm", at)
    put(statement, "Acct/Id/Othr/Id", account)
    put(statement.find("Acct"), "Ccy", currency)
    closing_minor = opening_minor + sum(_signed(line) for line in lines)
    for code, minor in (("OPBD", opening_minor), ("CLBD", closing_minor)):
        _put_balance(statement, code, minor, currency, made_at.date())
    for line in lines:
        _put_entry(statement, line)
    Tree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Tree.tostring(root, encoding="unicode")


def bare(root: Tree.Element) -> None:
    """Take the namespace off every name: the versions differ in it and in little else."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]


def put(parent: Tree.Element | None, path: str, text: str, **attributes: str) -> None:
    """Append a nested element with a text."""
    assert parent is not None
    for name in path.split("/"):
        parent = Tree.SubElement(parent, name)
    parent.text = text
    parent.attrib.update(attributes)


def put_account(parent: Tree.Element, name: str, number: str) -> None:
    """Append an account by its IBAN, or by its number where it has none."""
    put(parent, f"{name}/Id/{_KINDS[0] if is_iban(number) else _KINDS[1]}", number)


def account_of(parent: Tree.Element, name: str) -> str:
    """Return the number that `put_account` appends, without namespaces; nothing where none is."""
    return _first(parent, *(f"{name}/Id/{kind}" for kind in _KINDS))


def _lines(statement: Tree.Element, pointer: str) -> Iterator[StatementLine]:
    account = account_of(statement, "Acct")
    if not account:
        raise InvalidField(f"{pointer}/Acct/Id", "required")
    balances = {_text(balance, "Tp/CdOrPrtry/Cd"): balance for balance in statement.findall("Bal")}
    for code in ("OPBD", "CLBD"):
        if code not in balances:
            raise InvalidField(f"{pointer}/Bal/{code}", "required")
    currency = _text(statement, "Acct/Ccy") or _currency(balances["OPBD"])
    opening = _amount(balances["OPBD"], currency, f"{pointer}/Bal/OPBD")
    closing = _amount(balances["CLBD"], currency, f"{pointer}/Bal/CLBD")
    found: list[StatementLine] = []
    moved = 0
    for number, entry in enumerate(statement.findall("Ntry")):
        at = f"{pointer}/Ntry/{number}"
        if (_text(entry, "Sts/Cd") or _text(entry, "Sts")) != "BOOK":
            continue
        moved += _amount(entry, currency, at)
        found += _entry(entry, account, currency, at)
    if opening + moved != closing:
        told = decimal_text(opening + moved, currency)
        raise InvalidField(f"{pointer}/Bal/CLBD", "closing_balance", f"{told} {currency}")
    yield from found


def _entry(
    entry: Tree.Element, account: str, currency: str, pointer: str
) -> Iterator[StatementLine]:
    """Return an entry's line, or those of a batch whose payments have amounts of their own."""
    whole = _text(entry, "Amt")
    parts = entry.findall("NtryDtls/TxDtls")
    amounts = [_text(part, "Amt") or _text(part, "AmtDtls/TxAmt/Amt") for part in parts]
    if len(parts) < 2 or not all(amounts):
        yield _line(entry, account, currency, pointer, said=parts, amount=whole)
        return
    sums = sum(minor_of(amount, currency, pointer=f"{pointer}/TxDtls/Amt") for amount in amounts)
    if sums != minor_of(whole, currency, pointer=f"{pointer}/Amt"):
        told = decimal_text(sums, currency)
        raise InvalidField(f"{pointer}/Amt", "batch_total", f"{told} {currency}")
    for number, (part, amount) in enumerate(zip(parts, amounts, strict=True), start=1):
        yield _line(entry, account, currency, pointer, said=[part], amount=amount, part=number)


def _line(
    entry: Tree.Element,
    account: str,
    currency: str,
    pointer: str,
    *,
    said: Sequence[Tree.Element],
    amount: str,
    part: int = 0,
) -> StatementLine:
    """Return a line of `amount` about the payments `said`; `part` counts those of a batch."""
    direction = CREDIT if _text(entry, "CdtDbtInd") == "CRDT" else DEBIT
    side = "Dbtr" if direction == CREDIT else "Cdtr"
    reference = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    fields = {
        "account": account,
        "entry_reference": f"{reference}/{part}" if part and reference else reference,
        "direction": direction,
        "amount": amount,
        "currency": currency,
        "booked_on": (_text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm"))[:10],
        "payer": _same(said, f"RltdPties/{side}/Pty/Nm", f"RltdPties/{side}/Nm"),
        "remittance": _remittance(said),
        "payer_account": _same(said, *(f"RltdPties/{side}Acct/Id/{kind}" for kind in _KINDS)),
        "payer_bank": _same(said, f"RltdAgts/{side}Agt/FinInstnId/ClrSysMmbId/MmbId"),
    }
    return statement_line(fields, pointer)


def _first(element: Tree.Element, *paths: str) -> str:
    return next((text for text in (_text(element, path) for path in paths) if text), "")


def _same(parts: Sequence[Tree.Element], *paths: str) -> str:
    """Return what all payments of an entry tell alike; nothing where one tells otherwise."""
    told = {_first(part, *paths) for part in parts}
    return told.pop() if len(told) == 1 else ""


def _remittance(parts: Sequence[Tree.Element]) -> str:
    texts = [
        *(found.text or "" for part in parts for found in part.findall("RmtInf/Ustrd")),
        *(_first(part, "RmtInf/Strd/CdtrRefInf/Ref") for part in parts),
        *(_first(part, "Refs/EndToEndId") for part in parts),
    ]
    return " ".join(text for text in texts if text and text != "NOTPROVIDED")[:500]


def _amount(element: Tree.Element, currency: str, pointer: str) -> int:
    if currency not in DECIMALS:
        raise InvalidField(f"{pointer}/Amt/Ccy", "one_of", ", ".join(DECIMALS))
    if _currency(element) != currency:
        raise InvalidField(f"{pointer}/Amt/Ccy", "one_of", currency)
    sign = _SIGNS.get(_text(element, "CdtDbtInd"))
    if sign is None:
        raise InvalidField(f"{pointer}/CdtDbtInd", "one_of", "CRDT, DBIT")
    return sign * minor_of(_text(element, "Amt"), currency, pointer=f"{pointer}/Amt")


def _currency(element: Tree.Element) -> str:
    amount = element.find("Amt")
    return "" if amount is None else amount.get("Ccy", "")


def _text(element: Tree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _signed(line: StatementLine) -> int:
    return line.amount_minor if line.direction == CREDIT else -line.amount_minor


def _put_balance(statement: Tree.Element, code: str, minor: int, currency: str, day: date) -> None:
    balance = Tree.SubElement(statement, "Bal")
    put(balance, "Tp/CdOrPrtry/Cd", code)
    put(balance, "Amt", decimal_text(abs(minor), currency), Ccy=currency)
    put(balance, "CdtDbtInd", "CRDT" if minor >= 0 else "DBIT")
    put(balance, "Dt/Dt", day.isoformat())


def _put_entry(statement: Tree.Element, line: StatementLine) -> None:
    is_credit = line.direction == CREDIT
    entry = Tree.SubElement(statement, "Ntry")
    put(entry, "Amt", decimal_text(line.amount_minor, line.currency), Ccy=line.currency)
    put(entry, "CdtDbtInd", "CRDT" if is_credit else "DBIT")
    put(entry, "Sts/Cd", "BOOK")
    put(entry, "BookgDt/Dt", line.booked_on.isoformat())
    put(entry, "AcctSvcrRef", line.entry_reference)
    put(entry, "BkTxCd/Prtry/Cd", "NTRF")
    details = Tree.SubElement(Tree.SubElement(entry, "NtryDtls"), "TxDtls")
    put(details, "Refs/EndToEndId", "NOTPROVIDED")
    side = "Dbtr" if is_credit else "Cdtr"
    if line.payer or line.payer_account:
        parties = Tree.SubElement(details, "RltdPties")
        if line.payer:
            put(parties, f"{side}/Pty/Nm", line.payer)
        if line.payer_account:
            put_account(parties, f"{side}Acct", line.payer_account)
    if line.payer_bank:
        put(details, f"RltdAgts/{side}Agt/FinInstnId/ClrSysMmbId/MmbId", line.payer_bank)
    said = [line.remittance[at : at + _TEXT] for at in range(0, len(line.remittance), _TEXT)]
    if said:
        remitted = Tree.SubElement(details, "RmtInf")
        for part in said:
            put(remitted, "Ustrd", part)
