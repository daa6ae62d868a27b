"""What a test's client sends to define a region and a product, as JSON."""

from __future__ import annotations

REGION = {"code": "GX", "name_zh": "广西", "name_en": "Guangxi"}
SUGAR = {
    "id": "SUGAR-W1",
    "name_zh": "一级白砂糖",
    "name_en": "White sugar, grade one",
    "standard": "GB/T 317",
    "packaging": "50 kg",
    "lot_text": "1 t",
    "tick": "1.00",
    "step": "25.00",
    "max_lots": 100_000,
    "tax_bps": 1300,
    "service_tax_bps": 600,
    "fee_bps": 20,
    "deposit_bps": 1000,
    "tolerance_bps": 100,
    "return_policy": "Within 7 days",
    "return_days": 7,
}
