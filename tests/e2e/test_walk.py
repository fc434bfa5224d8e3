"""Staff sign in and walk every page, in both schemes and two widths, with and without JavaScript."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from apps.alerts.models import Alert

pytestmark = pytest.mark.browser

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def addresses(world):
    return [
        "/",
        f"/alerts/{world.alerts[0].pk}/",
        "/tutors/",
        f"/tutors/{world.tutor.pk}/",
        "/upcoming/?level=any",
        f"/sessions/{world.sent.session_id}/",
        "/outbox/",
        f"/outbox/{world.sent.public_id}/",
        "/accounts/2fa/",
        "/tutors/?q=nobody",
        "/upcoming/?q=nobody",
    ]


def faults(page):
    found = Axe().run(page).response["violations"]
    return [(fault["id"], fault["nodes"][0]["html"], fault["nodes"][0]["failureSummary"]) for fault in found]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_whole_quiet_and_accessible(world, visit, scheme, size):
    visit.page.set_viewport_size(size)
    visit.page.emulate_media(color_scheme=scheme)
    visit.open("/accounts/login/")
    assert faults(visit.page) == []
    visit.sign_in("rosa")
    expect(visit.page).to_have_title("Today · TutorScore")
    for address in addresses(world):
        assert visit.open(address).status == 200, address
        assert faults(visit.page) == [], address
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{address} is {width} wide"
    assert visit.complaints == []


def test_a_refused_page_is_accessible_too(world, visit):
    visit.sign_in("remi")
    assert visit.open("/admin/").status == 403
    expect(visit.page.get_by_role("heading", name="Your role may not do this")).to_be_visible()
    assert faults(visit.page) == []


def test_the_five_pages_are_reached_by_clicking(world, visit):
    page = visit.page
    visit.sign_in("rosa")
    page.get_by_role("link", name=re.compile("^Tutors")).click()
    page.get_by_role("link", name="Dario Quint").click()
    expect(page.get_by_role("img", name=re.compile("^Tutor score,"))).to_be_visible()
    page.get_by_role("link", name=re.compile("^Upcoming sessions")).click()
    page.get_by_role("link", name="First sessions").click()
    expect(page.get_by_role("row").filter(has_text="Jonas Reimers")).to_contain_text("35")
    page.get_by_role("link", name=re.compile("^Outbox")).click()
    page.get_by_role("link", name="Elif’s first session with you").click()
    mail = page.frame_locator("iframe.ts-mail")
    expect(mail.get_by_role("heading", name="Hello")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert visit.complaints == []


def test_dark_is_kept_once_chosen(world, visit):
    visit.sign_in("rosa")
    light = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    visit.page.get_by_role("button", name="Dark").click()
    visit.open("/tutors/")
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    expect(visit.page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    assert faults(visit.page) == []


def test_the_queue_is_worked_by_keys_without_leaving_the_page(world, visit):
    page = visit.page
    visit.sign_in("rosa")
    page.evaluate("window.sameDocument = true")
    first, second = world.alerts
    expect(page.get_by_role("heading", name=first.title)).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name=second.title)).to_be_visible()
    assert page.evaluate("window.sameDocument") is True
    assert page.url.endswith(f"/alerts/{second.pk}/")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", name=first.title)).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("Yours now")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name=re.compile("Find a tutor"))).to_be_focused()
    page.keyboard.type("j")
    assert Alert.objects.get(pk=first.pk).state == "acknowledged"
    assert visit.complaints == []


def test_filter_sort_and_resolve_without_javascript(world, live_server, browser):
    from tests.e2e.conftest import PASSWORD

    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    page = context.new_page()
    page.goto(live_server.url)
    page.get_by_label("Login").fill("rosa")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=re.compile("^Tutors")).click()
    page.get_by_role("searchbox", name="Search tutors").fill("kova")
    page.get_by_role("button", name="Apply").click()
    assert page.locator("tbody tr").count() == 1
    page.goto(live_server.url + "/tutors/")
    page.get_by_role("link", name=re.compile("^Rating")).click()
    assert "sort=rating" in page.url
    page.get_by_role("link", name=re.compile("^Today")).click()
    page.locator("summary", has_text="Resolve").click()
    page.get_by_label("What came of it").select_option("Talked to the tutor")
    page.get_by_label(re.compile("^Note")).fill("All agreed")
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Resolved: First session of Dario Quint")
    assert Alert.objects.get(pk=world.alerts[0].pk).resolution == "Talked to the tutor: All agreed"
    context.close()


def test_the_admin_runs_under_its_own_policy(world, visit):
    visit.sign_in("mona")
    for address in ("/admin/", "/admin/accounts/user/", "/admin/django_celery_beat/periodictask/"):
        assert visit.open(address).status == 200
    assert visit.complaints == []


def test_the_api_documents_run_offline(world, visit):
    assert visit.open("/api/v1/docs").status == 200
    expect(visit.page.get_by_role("heading", name=re.compile("TutorScore API"))).to_be_visible()
    assert visit.complaints == []
