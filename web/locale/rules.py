"""The rules of a field that are sentences and not codes, in the reader's language.

A sentence names its figures in braces: `n` counts, `amount` is minor units, `value` is minor
units where the pointer names a price and a count elsewhere, `text` is anything. English says
the sentence itself, Chinese what stands beside it; amounts are decimals in both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from aggregator.amounts import decimal_text

_PRICES = frozenset(
    (
        *("carry", "freight", "limit", "price", "rebate", "reserve"),
        *("start", "start_minor", "step", "step_minor", "steps", "tick"),
    )
)
_COMPARED = frozenset(("at_least", "at_most", "less_than", "more_than"))
_PLACE = re.compile(r"\{((?:n|amount|value|text)_?[a-z]*)\}")

RULES: Mapping[str, str] = {
    # Ranges and counts.
    "0 or more": "不得小于 0",
    "more than 0": "须大于 0",
    "{n_low} to {n_high}": "须为 {n_low} 至 {n_high}",
    "{n_low} to {n_high} breaks": "须有 {n_low} 至 {n_high} 档",
    "{n_low} to {n_high} characters": "须为 {n_low} 至 {n_high} 个字符",
    "{n_low} to {n_high} lots": "须为 {n_low} 至 {n_high} 手",
    "{n_low} to {n_high} lots, fewer than were sold": "须为 {n_low} 至 {n_high} 手，少于已售数量",
    "{n_low} to {n_high} months": "须有 {n_low} 至 {n_high} 个月份",
    "{n_low} to {n_high} steps": "须有 {n_low} 至 {n_high} 级",
    "{n_low} to the {n_high} lots offered": "须为 {n_low} 手至所报的 {n_high} 手",
    "{n_low} to {n_high} of a-z 0-9 . _ @ -": (
        "须为 {n_low} 至 {n_high} 个字符，只可用 a-z 0-9 . _ @ -"
    ),
    "{n_low} to {n_high} links": "须有 {n_low} 至 {n_high} 级审批",
    "a total of {n_low} to {n_high}": "总额须为 {n_low} 至 {n_high}",
    "up to the total": "不得超过总额",
    "at least one lot for each member": "每名成员至少 1 手",
    "a firm that sells": "须为有销售角色的企业",
    "a firm with a receiving place in the region": "须在该地区有收货地点",
    "a price for every month of the window": "窗口的每个月份都要有价格",
    "at least one lot": "至少 1 手",
    "at least one minor unit": "至少为一个最小货币单位",
    "at least one month": "至少要有 1 个月份",
    "either counter or clock": "还价与钟表只能选一种",
    "at least one role": "至少要有 1 个角色",
    "at least {n}, a pack and the first break": "至少 {n} 手，即一个起售单位和第一档",
    "at most {n}, the whole packs of the capacity": "至多 {n} 手，即可供数量内的整数个起售单位",
    "at most {value}": "不得大于 {value}",
    "{n} days ahead or more": "须至少提前 {n} 天",
    "after the version before": "须晚于上一版",
    "a tier above the first": "须为首级以上的等级",
    "a class of size that is in force": "须为现行规则中的规模类别",
    "only where it gathers for {n} hours": "集单至少要 {n} 小时",
    "{n_low} hours to {n_high} days ahead": "须在 {n_low} 小时之后、{n_high} 天之内",
    "only where the offer is not public": "报价不公开时才可指定对象",
    "two letters of an EU state first, such as DE123456789": (
        "欧盟增值税号须以两位国家代码开头，例如 DE123456789"
    ),
    "the form {text}, where 9 is a digit, L a letter, X either": (
        "格式须为 {text}，其中 9 代表数字，L 代表字母，X 代表数字或字母"
    ),
    "one digit is mistyped: the check digits of the VAT number do not fit": (
        "有一位输错：增值税号的校验位不符"
    ),
    "an IBAN, or 8 to 32 digits": "须为 IBAN，或 8 至 32 位数字",
    "the check digits of an IBAN": "IBAN 的校验位不符",
    "the 12 digits of the bank's code": "须为 12 位联行号",
    "only with a Chinese account number": "只与中国账号一同填写",
    "the account that the money came from": "须为款项汇出的账户",
    "at most {n} bands": "最多 {n} 段",
    "at most {n} criteria": "最多 {n} 项评分标准",
    "at most {n} days of window": "窗口最长 {n} 天",
    "at most {n} firms": "最多 {n} 家企业",
    "at most {n} shares": "最多 {n} 个份额",
    "a window of at most {n} months": "交货期最长 {n} 个月",
    "limit × lots of at most {amount}": "限价与手数之积不得超过 {amount}",
    "more than {n}, the break before": "须大于上一档的 {n} 手",
    "must be 1 to {n} items": "须有 1 至 {n} 个标的",
    "must be at least 1 where prices are announced": "由系统报价的竞价至少为 1",
    "must lie between {value_low} and {value_high}": "须在 {value_low} 至 {value_high} 之间",
    "1 to the {n} lots left": "须为 1 手至剩余的 {n} 手",
    "{n_low} to {n_high} lots, {n_percent} % around {n_base}, a change": (
        "须为 {n_low} 至 {n_high} 手（{n_base} 手上下 {n_percent}%），且与现数不同"
    ),
    "at least {n} items": "至少 {n} 项",
    "at most {n} entries": "最多 {n} 项",
    "at most {n} items": "最多 {n} 项",
    "must be a string": "须为文字",
    "must be an array": "须为数组",
    "must be an integer": "须为整数",
    "must be an object": "须为对象",
    "required field is missing": "缺少必填项",
    "unknown field": "未知字段",
    # Prices.
    "a multiple of the tick": "须为最小变动价位的整数倍",
    "a multiple of the tick {amount}": "须为最小变动价位 {amount}的整数倍",
    "must be a multiple of the tick {amount}": "须为最小变动价位 {amount}的整数倍",
    "must be on the tick of {amount}": "须为最小变动价位 {amount}的整数倍",
    "an announced price must start somewhere": "由系统报价的竞价须有起始价",
    "its worth must stay within {amount}": "其价值不得超过 {amount}",
    "leaves nothing of the limit {amount}": "从限价 {amount}中扣除后已无剩余",
    "less than every price": "须低于每一个价格",
    "needed where a firm buys: the most that it pays": "采购须填：最高支付的价格",
    "needed where bids are sealed: deposits are a share of it": (
        "密封报价须填：保证金按它的比例收取"
    ),
    "the price stops there for all to see": "价格到此为止，人人可见，须公开",
    "needed before it is sent": "发出前须填写",
    "never more than the break before: {amount} minor units": "不得高于上一档的 {amount}",
    "not below the step before": "不得低于上一级",
    "rising lots and rebates": "手数和返利须逐档递增",
    "there is no reserve to show": "没有可公开的保留价",
    "reference and default together": "基准值与默认值须同时填写",
    "the freight of the slot, for the same region": "同一地区运费不变",
    # Words to choose from, and forms.
    "person:<id>, or role: and one of {text}": "须为 person:<编号>，或 role: 加下列之一：{text}",
    "some of {text}": "只可选：{text}",
    "one of {text}": "须为下列之一：{text}",
    "must be one of {text}": "须为下列之一：{text}",
    "INSTRUMENT/REGION/YYYY-MM": "格式须为 品种/地区/YYYY-MM",
    "must be 64 hexadecimal digits": "须为 64 位十六进制数字",
    "no control, bidi or invisible signs": "不得含有控制、双向或不可见字符",
    "required for this form of order": "此种订单必填",
    "required for this kind of change": "此类变更必填",
    # Months and times.
    "a day of that year, once": "须为该年的日期，且不得重复",
    "a month after the first": "须晚于前一个月份",
    "each pair of months once": "每对月份只能填一次",
    "a month with a declared trading calendar": "该月须已有公布的交易日历",
    "a month with {n} trading days between signing and nomination": (
        "签约至最后要货日之间须有 {n} 个交易日"
    ),
    "a slot of the same contract in {text}": "须为同一合同中 {text} 的货位",
    "a slot at the price that the proposer has consented to": "货位价格须与提议方已同意的一致",
    "a time zone such as Asia/Shanghai": "须为时区名称，例如 Asia/Shanghai",
    "a trading day of {text}": "须为 {text} 的交易日",
    "at least {n} trading days ahead, {text} or later": "须至少提前 {n} 个交易日，最早 {text}",
    "within {n} trading days of {text}": "须在 {text} 前后 {n} 个交易日之内",
    "after it begins, and within a year": "须晚于开始时间，且在一年以内",
    "ahead, within a year": "须在将来，且在一年以内",
    "a delivery month YYYY-MM": "须为交货月份，格式 YYYY-MM",
    "a delivery month that is not over": "须为尚未结束的交货月份",
    "a month not before the first": "不得早于首个月份",
    "a month that ends after the window": "该月须在窗口关闭之后结束",
    "after the opening": "须晚于开始时间",
    "days of credit, with credit only": "仅赊销时填写赊销天数，且赊销时必填",
    "later than now, at most the end of the delivery month": "须晚于现在，且不迟于交货月份结束",
    "the month of the cell comes first": "首个标的须为所选的交货月份",
    "months in rising order": "月份须按先后排列",
    "must be 0 to 60 minutes after the close": "须在截止时间之后 0 至 60 分钟内",
    "must be after the opening": "须晚于开始时间",
    "must be an aware instant in UTC": "须为 UTC 时间",
    "must not lie in the past": "不得早于现在",
    "a month not before the next": "不得早于下一个交货月份",
    "not in the past, and before the close": "不得早于现在，且须早于截止时间",
    # Cells of a file.
    "at most {n} characters in a cell": "每格至多 {n} 个字符",
    "at most {n} columns": "最多 {n} 栏",
    "a first line with the names of the columns: {text}": "首行须为列名：{text}",
    "the missing columns {text_missing} and not {text_unknown}; the first line is {text_header}": (
        "缺少列 {text_missing}，且有不认识的列 {text_unknown}；首行应为 {text_header}"
    ),
    "the missing columns {text_missing}; the first line is {text_header}": (
        "缺少列 {text_missing}；首行应为 {text_header}"
    ),
    "no columns {text_unknown}; the first line is {text_header}": (
        "有不认识的列 {text_unknown}；首行应为 {text_header}"
    ),
    "each column once, in this order: {text}": "各列须按此顺序各出现一次：{text}",
    "at most {n} rows": "最多 {n} 行",
    "a header and at least one row": "须有标题行和至少一行内容",
    "a header of the template": "须为模板中的栏目名称",
    "a column of this header": "缺少此栏",
    "each header once": "栏目不得重复",
    "no cell without a header": "此格上方没有栏目名称",
    "an XLSX file, or CSV in UTF-8 or GB 18030": "须为 XLSX 文件，或 UTF-8、GB 18030 编码的 CSV",
    "an XLSX file that can be read": "须为可读取的 XLSX 文件",
    "an XLSX file of at most {n} MB unpacked": "XLSX 文件解压后至多 {n} MB",
    "an XLSX file of at most {n} elements": "XLSX 文件至多含 {n} 个元素",
    "an XLSX file without a password, not the older XLS": (
        "须为没有密码的 XLSX 文件，而非旧版 XLS"
    ),
    "a visible sheet": "须有一个可见的工作表",
    "no merged cells": "不得合并单元格",
    "no formula; write its value": "不得使用公式，请填写其结果",
    "no formula; write its value, or text after '": "不得使用公式，请填写其结果；文字前加 '",
    "a value, and no error of a formula": "须为数值，而非公式错误",
    "a number": "须为数字",
    "a price such as 5000.00 or 5,000.00": "须为价格，例如 5000.00 或 5,000.00",
    "a day such as 2027-03-01, or a day and an hour such as 2027-03-01 18:00": (
        "须为日期，例如 2027-03-01，或日期与时刻，例如 2027-03-01 18:00"
    ),
    "an instrument of the catalogue, by code or name": "须为目录中品种的代码或名称",
    "a region of the catalogue, by code or name": "须为目录中地区的代码或名称",
    "as on the offer's first row, or empty": "须与该报价首行相同，或留空",
    # Firms, people and what exists.
    "a unified social credit code of 18 signs, not of {n}": (
        "统一社会信用代码须为 18 位，现为 {n} 位"
    ),
    "digits and capitals but I, O, S, V, Z: sign {n} is {text}": (
        "只可用数字和大写字母（不含 I、O、S、V、Z）：第 {n} 位为 {text}"
    ),
    "one sign is mistyped: sign 18, {text}, does not check the 17 before it": (
        "有一位输错：第 18 位校验码 {text} 与前 17 位不符"
    ),
    "letters of one alphabet": "不得混用形近字母",
    "an https address of the open internet": "须为公共互联网上的 https 地址",
    "kinds of notices": "须为通知种类",
    "each kind once": "每个种类只能填一次",
    "what binds the firm stays on the pages": "对企业有约束力的通知不能从页面上关闭",
    "a firm that one has a deal with": "须为与本企业有过成交的企业",
    "who comes into the firm is told to all": "谁获准进入公司，必须通知所有人",
    "a mail address": "须为邮箱地址",
    "a credit code or a VAT number, one of the two": "统一社会信用代码与增值税号二者填一",
    "a notice or an instant, one of the two": "须为一条通知或一个时间，二者择一",
    "acts of the market that a program may hold": "须为程序可执行的操作",
    "somebody else": "须为他人",
    "somebody whose role decides approvals": "须为其角色可审批的人",
    "a region of the catalogue": "须为目录中的地区",
    "a buyer with a receiving place": "须为有收货地的买方企业",
    "a change": "须与现状不同",
    "a receiving place of the buyer": "须为买方的收货地",
    "a registered firm": "须为已注册企业",
    "market roles belong to the operator and auditor only": "市场角色只属于运营方和审计方",
    "names one of your groups": "须为您的某个团组编号",
    "no instrument opens without one": "没有退货规则的品种不得上市",
    "who commits the firm does not release its money": "为企业下单的人不得兼管放款",
    # How an auction's rules go together.
    "a draw needs the commitment of its seed": "抽签须先承诺随机种子",
    "a sealed bid improves on the bidder's own": "密封报价只能改进自己的报价",
    "a share is smaller than the least lots": "有份额小于最少数量",
    "announced prices know no shares by rank and no scores": (
        "由系统报价的竞价不设名次份额，也不评分"
    ),
    "bands must rise strictly": "各段须严格递增",
    "belongs to another format": "属于另一种竞价形式",
    "belongs to shares by rank": "只用于按名次分配份额",
    "has no meaning beside shares by rank": "按名次分配份额时不适用",
    "must not tell more than bidders see": "不得多于竞价者所见",
    "nobody reads sealed bids before the close": "密封报价在截止前任何人不可见",
    "ids must be distinct": "编号不得重复",
    "leaves one winner less than the least lots": "使单家中标量低于最少数量",
    "lowest must not exceed highest": "最低值不得大于最高值",
    "must be positive per cents that sum to 100": "须为正的百分数，合计 100",
    "must be the lots of all items together": "须等于全部标的的手数之和",
    "names must be distinct": "名称不得重复",
    "no auction in this mode": "此模式没有竞价",
    "only announced prices move by themselves": "只有由系统报价的竞价会自动变价",
    "only clock and package auctions have several items": "只有多月钟表和组合竞价可有多个标的",
    "must not lie above the start price": "不得高于起始价",
    "must not lie below the start price": "不得低于起始价",
    "packages start from the prices of their items": "组合竞价以各标的的起价为准",
    "packages know no shares and no least lots": "组合竞价不设份额和最小批数",
    "equal sets of packages go by their ids": "组合竞价的平局以编号排序",
    "scored bids are paid as bid": "评分报价按报价成交",
    "the second price sells all lots to one bidder": "次价成交的竞价把全部数量售给一家",
    "shares by rank are paid as bid": "按名次分配的份额按报价成交",
    "the first band must start at 0": "第一段须从 0 开始",
}


def rule_words(language: str, rule: str, pointer: str = "") -> str | None:
    """Return the sentence `rule` in words of `language`, or None when it is not known."""
    for pattern, english, chinese in _patterns():
        found = pattern.fullmatch(rule)
        if found is None:
            continue
        is_price = _is_price(pointer)
        figures = {
            name: _shown(name, figure, language, is_price=is_price)
            for name, figure in found.groupdict().items()
        }
        return (chinese if language == "zh" else english).format_map(figures)
    return None


def is_amount(rule: str, pointer: str) -> bool:
    """Tell whether the figure beside a rule is minor units: a price, or a total of money."""
    # Of the rules that are codes some count digits or characters, whatever the field.
    is_compared = " " in rule or rule in _COMPARED
    return (is_compared and _is_price(pointer)) or any(
        "{amount}" in english and pattern.fullmatch(rule) for pattern, english, _ in _patterns()
    )


def _shown(name: str, figure: str, language: str, *, is_price: bool) -> str:
    kind = name.partition("_")[0]
    if kind == "amount" or (kind == "value" and is_price):
        return decimal_text(int(figure)) + (" 元" if language == "zh" else "")
    return figure


def _is_price(pointer: str) -> bool:
    names = [name for name in pointer.split("/") if name and not name.isdecimal()]
    return bool(names) and names[-1] in _PRICES


@cache
def _patterns() -> list[tuple[re.Pattern[str], str, str]]:
    return [
        (_pattern(sentence), sentence.replace(" minor units", ""), chinese)
        for sentence, chinese in RULES.items()
    ]


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = _PLACE.split(sentence)
    for i, part in enumerate(parts):
        if i % 2 == 0:
            parts[i] = re.escape(part)
        else:
            shape = ".+" if part.startswith("text") else "-?[0-9]{1,18}"
            parts[i] = f"(?P<{part}>{shape})"
    return re.compile("".join(parts))
