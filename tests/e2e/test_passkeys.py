"""A passkey in a real Chromium: added on a page, it signs in alone or beside a password."""

from __future__ import annotations

from base64 import b32decode

import pytest
from playwright.async_api import expect

from aggregator.parties.totp import code_at, step_of
from tests.e2e.conftest import Town
from web.demonstration.world import PASSWORD

pytestmark = pytest.mark.browser


async def test_a_person_adds_a_passkey_and_signs_in_with_it(town: Town) -> None:
    program = await town.as_program("guinan")
    here = town.url.replace("127.0.0.1", "localhost")
    page = await town.look("en")
    device = await page.context.new_cdp_session(page)
    await device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = await device.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    async def by_password() -> None:
        await town.go(page, f"{here}/login?next=/account")
        await page.get_by_label("Log-in").fill("guinan")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.wait_for_url("**/account")
        await town.ready(page)

    await by_password()
    panel = page.locator("section", has=page.get_by_role("heading", name="Add a passkey"))
    await panel.get_by_label("Device").fill("Office phone")
    await panel.get_by_label("Password").fill(PASSWORD)
    await panel.get_by_role("button", name="Add a passkey").click()
    kept = page.get_by_role("row", name="Office phone")
    await expect(kept).to_contain_text("not yet")

    await page.context.clear_cookies()
    await town.go(page, f"{here}/login?next=/account")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url("**/account")
    await town.ready(page)
    await expect(kept).not_to_contain_text("not yet")
    held = await device.send("WebAuthn.getCredentials", added)
    assert [(one["rpId"], one["signCount"] > 1) for one in held["credentials"]] == [
        ("localhost", True)
    ]

    secret = (await program.post("/second-factor", {}))["secret"]
    code = code_at(b32decode(secret), step_of(town.stage.clock.now()))
    await program.post("/second-factor/confirm", {"code": code})
    await page.context.clear_cookies()
    await by_password()

    await kept.get_by_role("button", name="Remove").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("No passkey yet.")).to_be_visible()
    await page.context.clear_cookies()
    await town.go(page, f"{here}/login")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_text("The passkey does not hold here")).to_be_visible()


async def test_under_a_bare_address_the_pages_offer_no_passkey(town: Town) -> None:
    page = await town.look("en", login="guinan")

    await town.go(page, "/account")
    await expect(page.get_by_text("not at this address")).to_be_visible()
    await town.go(page, "/login")
    await expect(page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
