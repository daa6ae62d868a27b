"""ISO 20022 payment orders: pain.001 out, and what the simulated bank reads of it.

One file carries payments of one currency under a message id of its own, and each payment's
end-to-end id is the payment's reference, so a bank that gets a file twice knows both again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree as Tree

from aggregator.amounts import decimal_text, minor_of
from aggregator.errors import InvalidField
from aggregator.settlement.camt import account_of, bare, parsed, put, put_account

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
MARKET = "Aggregator"
_BANK = "CdtrAgt/FinInstnId/ClrSysMmbId/MmbId"


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """One payment as the bank is asked for it."""

    reference: str
    payee: str
    payee_account: str
    amount_minor: int
    currency: str
    payee_bank: str = ""


def write_pain(
    orders: Sequence[PaymentOrder], *, message_id: str, account: str, made_at: datetime
) -> str:
    """Return the file that orders payments of one currency from the market's account."""
    assert orders, "a payment file orders something"
    currency = orders[0].currency
    assert {order.currency for order in orders} == {currency}, "one currency a file"
    total = decimal_text(sum(order.amount_minor for order in orders), currency)
    root = Tree.Element("Document", {"xmlns": NAMESPACE})
    top = Tree.SubElement(root, "CstmrCdtTrfInitn")
    header = Tree.SubElement(top, "GrpHdr")
    put(header, "MsgId", message_id)
    put(header, "CreDtTm", made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    put(header, "NbOfTxs", str(len(orders)))
    put(header, "CtrlSum", total)
    put(header, "InitgPty/Nm", MARKET)
    block = Tree.SubElement(top, "PmtInf")
    put(block, "PmtInfId", message_id)
    put(block, "PmtMtd", "TRF")
    put(block, "NbOfTxs", str(len(orders)))
    put(block, "CtrlSum", total)
    put(block, "ReqdExctnDt/Dt", made_at.date().isoformat())
    put(block, "Dbtr/Nm", MARKET)
    put(block, "DbtrAcct/Id/Othr/Id", account)
    put(block, "DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")
    for order in orders:
        _put_order(block, order)
    Tree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Tree.tostring(root, encoding="unicode")


def read_pain(text: str) -> list[PaymentOrder]:
    """Return what a file orders; its count and sum must agree.

    Raises:
        InvalidField: it is no such file, or its figures do not agree.

    """
    root = parsed(text)
    if root.tag != f"{{{NAMESPACE}}}Document":
        raise InvalidField("/Document", "pain001", root.tag[:100])
    bare(root)
    orders = []
    for number, element in enumerate(root.iter("CdtTrfTxInf")):
        amount = element.find("Amt/InstdAmt")
        assert amount is not None
        currency = amount.get("Ccy", "")
        pointer = f"/CdtTrfTxInf/{number}/Amt"
        orders.append(
            PaymentOrder(
                reference=element.findtext("PmtId/EndToEndId", ""),
                payee=element.findtext("Cdtr/Nm", ""),
                payee_account=account_of(element, "CdtrAcct"),
                amount_minor=minor_of(amount.text or "", currency, pointer=pointer),
                currency=currency,
                payee_bank=element.findtext(_BANK, ""),
            )
        )
    told = root.findtext(".//GrpHdr/CtrlSum", "")
    total = sum(order.amount_minor for order in orders)
    if not orders or decimal_text(total, orders[0].currency) != told:
        raise InvalidField("/GrpHdr/CtrlSum", "control_sum", told[:40])
    return orders


def _put_order(block: Tree.Element, order: PaymentOrder) -> None:
    element = Tree.SubElement(block, "CdtTrfTxInf")
    put(element, "PmtId/EndToEndId", order.reference)
    amount = decimal_text(order.amount_minor, order.currency)
    put(element, "Amt/InstdAmt", amount, Ccy=order.currency)
    if order.payee_bank:
        put(element, _BANK, order.payee_bank)
    put(element, "Cdtr/Nm", order.payee[:140])
    put_account(element, "CdtrAcct", order.payee_account[:34])
    put(element, "RmtInf/Ustrd", order.reference)
