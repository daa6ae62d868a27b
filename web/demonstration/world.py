"""Who is in the demonstration market, and what they bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.settings import MarketAccount

PASSWORD = "sugar-2027-demo"  # noqa: S105 - shown to every visitor of the demonstration
OPERATOR_LOGIN = "operator"
COLLEAGUE_LOGIN = "operator.two"
AUDITOR_LOGIN = "auditor"
ACCOUNT = MarketAccount(
    "演示市场 / Demonstration market", "622202000001", "演示银行 / Demonstration bank"
)

REGIONS: tuple[Mapping[str, Any], ...] = (
    {"code": "CN", "name_zh": "全国", "name_en": "China"},
    {"code": "GX", "name_zh": "广西", "name_en": "Guangxi", "parent": "CN"},
    {"code": "GD", "name_zh": "广东", "name_en": "Guangdong", "parent": "CN"},
    {"code": "YN", "name_zh": "云南", "name_en": "Yunnan", "parent": "CN"},
)

SUGAR: Mapping[str, Any] = {
    "id": "SUGAR-W1",
    "name_zh": "一级白砂糖",
    "name_en": "White sugar, grade one",
    "standard": "GB/T 317-2018",
    "packaging": "50 kg",
    "currency": "CNY",
    "lot_text": "1 t",
    "tick": "1.00",
    "step": "25.00",
    "max_lots": 100_000,
    "tax_bps": 1300,
    "service_tax_bps": 600,
    "fee_bps": 20,
    "deposit_bps": 1000,
    "tolerance_bps": 100,
    "return_policy": "受潮、结块或不符合等级的货物，结清后 7 天内可退；运费由责任方承担。"
    " Wet, caked or off-grade lots may be returned within 7 days of settlement;"
    " freight is paid by the party at fault.",
    "return_days": 7,
}


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm and its people: one who trades, one who pays. `cash` is what it deposits."""

    key: str
    name: str
    name_en: str
    kind: str
    region: str
    monthly_lots: int = 0
    cash: str = "50000000.00"
    roles: tuple[str, ...] = field(default=("buyer", "logistics"))

    @property
    def finance(self) -> str:
        return f"{self.key}.pay"


_SELLS = ("seller", "logistics")
_TRADES = ("buyer", "seller", "logistics")

FACTORIES = (
    Firm("guinan", "桂南食品厂", "Guinan Foods", "factory", "GX", 80),
    Firm("yongjiang", "邕江饮料厂", "Yongjiang Beverages", "factory", "GX", 100),
    Firm("liuzhou", "柳州糖果厂", "Liuzhou Confectionery", "factory", "GX", 150),
    Firm("foshan", "佛山饼干厂", "Foshan Biscuits", "factory", "GD", 40),
    Firm("dongguan", "东莞果酱厂", "Dongguan Preserves", "factory", "GD", 60),
    Firm("zhongshan", "中山乳品厂", "Zhongshan Dairy", "factory", "GD", 80),
    Firm("kunming", "昆明蜜饯厂", "Kunming Candied Fruit", "factory", "YN", 20),
    Firm("dali", "大理糕点厂", "Dali Pastry", "factory", "YN", 30),
)
MILLS = (
    Firm("chongzuo", "崇左糖厂", "Chongzuo Mill", "mill", "GX", roles=_SELLS),
    Firm("laibin", "来宾糖厂", "Laibin Mill", "mill", "GX", roles=_SELLS),
    Firm("baise", "百色糖厂", "Baise Mill", "mill", "GX", roles=_SELLS),
)
TRADERS = (
    Firm("nanning", "南宁糖业贸易", "Nanning Sugar Trading", "trader", "GX", 1000, roles=_TRADES),
    Firm("zhanjiang", "湛江粮糖贸易", "Zhanjiang Commodities", "trader", "GD", 800, roles=_TRADES),
)
REFINERS = (
    Firm("beihai", "北海精炼糖", "Beihai Refinery", "refiner", "GX", 1500),
    Firm("qinzhou", "钦州精炼糖", "Qinzhou Refinery", "refiner", "GX", 1200),
    Firm("yuxi", "玉溪精炼糖", "Yuxi Refinery", "refiner", "YN", 1000),
    Firm("baoshan", "保山精炼糖", "Baoshan Refinery", "refiner", "YN", 900),
)
# Firms of the pool's cell besides the story: without them no price would be safe to publish.
FURTHER_SELLERS = (
    Firm("wuxuan", "武宣糖厂", "Wuxuan Mill", "mill", "GX", roles=_SELLS),
    Firm("xiangzhou", "象州糖厂", "Xiangzhou Mill", "mill", "GX", roles=_SELLS),
    Firm("fusui", "扶绥糖厂", "Fusui Mill", "mill", "GX", roles=_SELLS),
    Firm("hengzhou", "横州糖厂", "Hengzhou Mill", "mill", "GX", roles=_SELLS),
    Firm("yizhou", "宜州糖厂", "Yizhou Mill", "mill", "GX", roles=_SELLS),
)
FURTHER_BUYERS = (
    Firm("guigang", "贵港罐头厂", "Guigang Canning", "factory", "GX", 110),
    Firm("yulin", "玉林月饼厂", "Yulin Mooncakes", "factory", "GX", 100),
    Firm("wuzhou", "梧州龟苓膏厂", "Wuzhou Jellies", "factory", "GX", 90),
    Firm("hechi", "河池果酒厂", "Hechi Fruit Wine", "factory", "GX", 120),
    Firm("guilin", "桂林米粉厂", "Guilin Noodles", "factory", "GX", 100),
    Firm("hezhou", "贺州冰淇淋厂", "Hezhou Ice Cream", "factory", "GX", 130),
)
# Of the size of the story's factories, and without a deal yet.
NEWCOMER = Firm("nandan", "南丹果脯厂", "Nandan Dried Fruit", "factory", "GX", 90)
FIRMS = (*FACTORIES, *MILLS, *TRADERS, *REFINERS, *FURTHER_SELLERS, *FURTHER_BUYERS, NEWCOMER)

POOL_MEMBERS = ("guinan", "yongjiang", "liuzhou")
"""Pledge in this order; the last joins in firming and brings the break."""
LEFT_OPEN = (("yongjiang", 100), ("liuzhou", 120), (NEWCOMER.key, 90))
"""Who gathers in the pool that is left open: of a size with the first of the story's members."""
STRIP_MEMBERS = ("foshan", "dongguan", "zhongshan")
STRIP_MILL = "baise"
MOST_CALLED_OFF = 60

# (seller, buyer, lots, price) of the further deals of the pool's cell.
FURTHER_DEALS = (
    ("wuxuan", "guigang", 110, "4880.00"),
    ("xiangzhou", "yulin", 100, "4900.00"),
    ("fusui", "wuzhou", 90, "4915.00"),
    ("hengzhou", "hechi", 120, "4890.00"),
    ("yizhou", "guilin", 100, "4870.00"),
    ("wuxuan", "hezhou", 130, "4905.00"),
)
# (bidder, lots, price) of the mill's 5,000 t, in the order the bids come.
TRANCHE_BIDS = (
    ("baoshan", 900, "5020.00"),
    ("yuxi", 1000, "5030.00"),
    ("zhanjiang", 800, "5040.00"),
    ("qinzhou", 1200, "5050.00"),
    ("beihai", 1500, "5060.00"),
    ("nanning", 1000, "5070.00"),
)
