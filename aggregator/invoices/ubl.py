"""Invoices and credit notes as UBL 2.1, after the EN 16931 profile.

Every amount is one that was booked: lines, tax and total are those of the document, so they add
up as it does. A line's price is its net amount for its whole quantity (`BaseQuantity`), which is
exact where a price per lot would have to be rounded. The number carries its series, so that one
issuer never has two documents of one id.

The files keep the business rules of EN 16931 where the issuer has declared his tax identity; one
who has not lacks BT-32, which tax at a standard rate asks for (BR-S-02), and nothing else.
"""

from __future__ import annotations

from xml.etree import ElementTree as Tree

from aggregator.amounts import decimal_text
from aggregator.catalogue.queries import InstrumentView
from aggregator.invoices.printing import Party, PrintedDocument
from aggregator.invoices.queries import DocumentView
from aggregator.invoices.writing import INVOICE, DocumentLine

CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
PROFILE = "urn:cen.eu:en16931:2017"
SUPPLIER, CUSTOMER = "cac:AccountingSupplierParty", "cac:AccountingCustomerParty"
UNIT = "C62"
# A register of tax payers that is not that of VAT: the code has no country before it.
_TAX_REGISTER = "TAX"
_COUNTRY = "CN"


def ubl(printed: PrintedDocument) -> str:
    """Return a document as an XML file."""
    document, deal, traded = printed.document, printed.deal, printed.traded
    is_invoice = document.kind == INVOICE
    name = "Invoice" if is_invoice else "CreditNote"
    space = f"urn:oasis:names:specification:ubl:schema:xsd:{name}-2"
    root = Tree.Element(name, {"xmlns": space, "xmlns:cac": CAC, "xmlns:cbc": CBC})
    _put(root, "cbc:CustomizationID", PROFILE)
    _put(root, "cbc:ID", printed.number)
    _put(root, "cbc:IssueDate", document.issued_at.date().isoformat())
    _put(root, f"cbc:{name}TypeCode", "380" if is_invoice else "381")
    _put(root, "cbc:DocumentCurrencyCode", document.currency)
    _put(root, "cac:OrderReference/cbc:ID", deal.id)
    if printed.credited:
        _put(root, "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID", printed.credited)
    _put(root, "cac:ContractDocumentReference/cbc:ID", f"{deal.source}:{deal.source_id}"[:200])
    _put_party(root, SUPPLIER, printed.supplier)
    _put_party(root, CUSTOMER, printed.customer)
    _put_tax(root, document)
    _put_totals(root, document)
    for position, line in enumerate(document.lines, start=1):
        _put_line(root, document, traded, line, position)
    Tree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Tree.tostring(root, encoding="unicode")


def _put_party(root: Tree.Element, role: str, party: Party) -> None:
    element = Tree.SubElement(Tree.SubElement(root, role), "cac:Party")
    _put(element, "cac:PartyIdentification/cbc:ID", party.id)
    _put(element, "cac:PartyName/cbc:Name", party.name)
    _put(element, "cac:PostalAddress/cac:Country/cbc:IdentificationCode", _COUNTRY)
    if party.uscc and role == SUPPLIER:
        tax = Tree.SubElement(element, "cac:PartyTaxScheme")
        _put(tax, "cbc:CompanyID", party.uscc)
        _put(tax, "cac:TaxScheme/cbc:ID", _TAX_REGISTER)
    entity = Tree.SubElement(element, "cac:PartyLegalEntity")
    _put(entity, "cbc:RegistrationName", party.name)
    if party.uscc:
        _put(entity, "cbc:CompanyID", party.uscc)


def _put_tax(root: Tree.Element, document: DocumentView) -> None:
    total = Tree.SubElement(root, "cac:TaxTotal")
    _put_amount(total, "cbc:TaxAmount", document.tax_minor, document)
    part = Tree.SubElement(total, "cac:TaxSubtotal")
    _put_amount(part, "cbc:TaxableAmount", document.net_minor, document)
    _put_amount(part, "cbc:TaxAmount", document.tax_minor, document)
    _put_category(part, "cac:TaxCategory", document)


def _put_totals(root: Tree.Element, document: DocumentView) -> None:
    totals = Tree.SubElement(root, "cac:LegalMonetaryTotal")
    for name, minor in (
        ("LineExtensionAmount", document.net_minor),
        ("TaxExclusiveAmount", document.net_minor),
        ("TaxInclusiveAmount", document.total_minor),
        ("PayableAmount", document.total_minor),
    ):
        _put_amount(totals, f"cbc:{name}", minor, document)


def _put_line(
    root: Tree.Element,
    document: DocumentView,
    traded: InstrumentView,
    line: DocumentLine,
    position: int,
) -> None:
    is_invoice = document.kind == INVOICE
    element = Tree.SubElement(root, f"cac:{'InvoiceLine' if is_invoice else 'CreditNoteLine'}")
    _put(element, "cbc:ID", str(position))
    quantity = "cbc:InvoicedQuantity" if is_invoice else "cbc:CreditedQuantity"
    _put(element, quantity, str(line.lots), unitCode=UNIT)
    _put_amount(element, "cbc:LineExtensionAmount", line.net_minor, document)
    item = Tree.SubElement(element, "cac:Item")
    _put(item, "cbc:Description", f"{traded.name_zh} / {traded.name_en}, {traded.lot_text}")
    _put(item, "cbc:Name", f"{line.kind}: {traded.name_en}")
    _put(item, "cac:SellersItemIdentification/cbc:ID", traded.id)
    _put_category(item, "cac:ClassifiedTaxCategory", document)
    price = Tree.SubElement(element, "cac:Price")
    _put_amount(price, "cbc:PriceAmount", line.net_minor, document)
    _put(price, "cbc:BaseQuantity", str(line.lots), unitCode=UNIT)


def _put_category(parent: Tree.Element, name: str, document: DocumentView) -> None:
    category = Tree.SubElement(parent, name)
    whole, part = divmod(document.tax_bps, 100)
    _put(category, "cbc:ID", "S" if document.tax_bps else "Z")
    _put(category, "cbc:Percent", f"{whole}.{part:02d}")
    _put(category, "cac:TaxScheme/cbc:ID", "VAT")


def _put_amount(parent: Tree.Element, name: str, minor: int, document: DocumentView) -> None:
    text = decimal_text(minor, document.currency)
    _put(parent, name, text, currencyID=document.currency)


def _put(parent: Tree.Element, path: str, text: str, **attributes: str) -> None:
    for name in path.split("/"):
        parent = Tree.SubElement(parent, name)
    parent.text = text
    parent.attrib.update(attributes)
