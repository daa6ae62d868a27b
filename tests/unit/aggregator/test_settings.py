from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.settings import (
    Environment,
    MarketAccount,
    Settings,
    SettingsError,
    describe,
    load_settings,
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No setting of the machine that runs the tests, and no `.env`."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"AGG_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_any_setting_a_market_runs_on_its_own_database() -> None:
    settings = load_settings()

    assert settings.env is Environment.DEV
    assert settings.database_url is None
    assert settings.embedded_database_dir == Path("var/pg")
    assert settings.public_address == "http://127.0.0.1:8000"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / ".env").write_text("AGG_PORT=8001\nAGG_HOST=0.0.0.0\nAGG_WORKERS=2\n")
    monkeypatch.setenv("AGG_PORT", "8002")
    monkeypatch.setenv("AGG_HOST", "::1")

    settings = load_settings(port=8003, host=None)

    assert (settings.port, settings.host, settings.workers) == (8003, "::1", 2)
    assert settings.public_address == "http://[::1]:8003"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"AGG_PORT": "65536"}, "AGG_PORT: .*65535"),
        ({"AGG_CLOCK": "sundial"}, "AGG_CLOCK: .*'real' or 'simulated'"),
        ({"AGG_DATABASE_URL": "mysql://u:hunter2@h/d"}, "AGG_DATABASE_URL: .*postgresql://"),
        ({"AGG_REDIS_URL": "http://h"}, "AGG_REDIS_URL: .*redis://"),
        ({"AGG_PUBLIC_URL": "market.example"}, "AGG_PUBLIC_URL: .*https://"),
        ({"AGG_MAIL_URL": "http://h", "AGG_MAIL_FROM": "a@b.c"}, "AGG_MAIL_URL: .*smtps://"),
        ({"AGG_MAIL_URL": "smtps://h"}, "AGG_MAIL_FROM: mail needs an address"),
        ({"AGG_MAIL_URL": "smtps://h", "AGG_MAIL_FROM": "market"}, "AGG_MAIL_FROM: .*like Market"),
        ({"AGG_BEACON_URL": "https://api.drand.sh/public"}, "AGG_BEACON_URL: .*hash"),
        ({"AGG_BEACON_URL": f"http://a.example/{'0' * 64}"}, "AGG_BEACON_URL: .*https://"),
        ({"AGG_BANK_ACCOUNT": "6222"}, "AGG_BANK_ACCOUNT: .*8 to 32 digits"),
        ({"AGG_BANK_ACCOUNT": "DE89370400440532013001"}, "AGG_BANK_ACCOUNT: .*check digits"),
        ({"AGG_BANK_HOLDER": "  "}, "AGG_BANK_HOLDER: .*one line"),
        ({"AGG_BANK_NAME": "Nanning\nbranch"}, "AGG_BANK_NAME: .*one line"),
        ({"AGG_BANK_HOLDER": "Market"}, "AGG_BANK_ACCOUNT: AGG_BANK_HOLDER, .* go together"),
        ({"AGG_ENV": "production"}, "AGG_DATABASE_URL: production needs"),
        (
            {
                "AGG_ENV": "production",
                "AGG_DATABASE_URL": "postgresql://h/d",
                "AGG_CLOCK": "simulated",
            },
            "AGG_CLOCK: production runs on real time",
        ),
    ],
)
def test_a_wrong_setting_is_refused_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], complaint: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=complaint) as refusal:
        load_settings()
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("6222 0210-0123 4567 890", "6222021001234567890"),
    ],
)
def test_the_account_that_firms_pay_in_to_is_whole_or_not_there(said: str, number: str) -> None:
    settings = load_settings(bank_holder="市场公司", bank_account=said, bank_name="南宁分行")

    assert settings.market_account == MarketAccount("市场公司", number, "南宁分行")
    assert load_settings().market_account is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:hunter2@h:5433/d", "postgresql://u:***@h:5433/d"),
        ("postgresql://u:h@unter2@h/d", "postgresql://u:***@h/d"),
        ("postgresql:///d?user=u&password=hunter2", "postgresql:///d?user=u&password=***"),
        ("postgresql://u@/d?host=/run/pg", "postgresql://u@/d?host=/run/pg"),
    ],
)
def test_no_password_is_shown(address: str, shown: str) -> None:
    rows = {row.variable: row for row in describe(load_settings(database_url=address))}

    assert rows["AGG_DATABASE_URL"].value == shown
    assert not rows["AGG_DATABASE_URL"].is_default


def test_every_setting_says_what_it_means() -> None:
    rows = describe(load_settings())

    assert len(rows) == len(Settings.model_fields)
    assert all(row.meaning and row.is_default for row in rows)
