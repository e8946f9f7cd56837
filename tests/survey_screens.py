"""What tests/screens.py shows of surveys, which begin as a draft and end with answers: a survey of each kind of page is
written, published, hung up and planned first. Nothing of it is sent."""

from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Page

Pages = list[tuple[str, str, Callable[[Page], None] | None]]


def prepare(page: Page, base: str) -> tuple[Pages, Pages]:
    """The pages of the owner, whose `page` is signed in, and those that anybody may open."""
    draft, published = _draft(page, base), _draft(page, base)
    page.goto(f"{base}{published}publish/")
    _press(page, ".bo-form button.primary")
    planned = _campaign(page, base, published, "Every quarter", RECURRING="3")
    once = _campaign(page, base, published, "To all who came lately")
    poster = _poster(page, base, published)
    asked = _sent_campaign(page, base)
    page.goto(f"{base}{poster}change/")
    open_page = urlsplit(page.locator("a[href*='/o/']").first.get_attribute("href") or "").path
    phone = f"{published}phone/en/"
    owner: Pages = [
        ("survey-draft", f"{draft}change/", None),
        ("survey-preview", f"{draft}preview/", None),
        ("survey-trial-mail", f"{draft}trial_mail/", None),
        ("survey-publish", f"{draft}publish/", None),
        ("survey-published", f"{published}change/", None),
        ("survey-no-answers", f"{published}results/", None),
        ("survey-phone", phone, None),
        ("survey-phone-refused", phone, _send),
        ("survey-phone-thanks", phone, _answer),
        ("campaign-new", f"/admin/surveys/campaign/add/?survey={published.split('/')[4]}", None),
        ("campaign-recurring-form", "/admin/surveys/campaign/add/", _choose_recurring),
        ("campaign-draft", f"{once}change/", None),
        ("campaign-preflight", f"{once}schedule/", None),
        ("campaign-preflight-recurring", f"{planned}schedule/", None),
        *asked,
        ("deliveries-uncertain", "/admin/surveys/delivery/?state__exact=UNCERTAIN", None),
        ("deliveries-suppressed", "/admin/surveys/delivery/?state__exact=SUPPRESSED", None),
        ("poster", f"{poster}change/", None),
        ("poster-sheet", f"{poster}sheet/", None),
    ]
    return owner, [("poster", open_page, None), ("poster-refused", open_page, _send)]


def _draft(page: Page, base: str) -> str:
    page.goto(f"{base}/admin/surveys/survey/add/")
    _press(page, "button[name=example]")
    return urlsplit(page.url).path.removesuffix("change/")


def _campaign(page: Page, base: str, survey: str, name: str, **every: str) -> str:
    page.goto(f"{base}/admin/surveys/campaign/add/?survey={survey.split('/')[4]}")
    page.fill("input[name=name]", name)
    for trigger, number in every.items():
        page.select_option("[name=trigger]", trigger)
        page.fill("[name=every]", number)
        page.select_option("[name=interval]", "MONTH")
    _press(page, "[name=_continue]")
    return urlsplit(page.url).path.removesuffix("change/")


def _poster(page: Page, base: str, survey: str) -> str:
    page.goto(f"{base}/admin/surveys/openlink/add/?survey={survey.split('/')[4]}")
    page.fill("[name=source]", "Poster at the entrance")
    _press(page, "[name=_continue]")
    return urlsplit(page.url).path.removesuffix("change/")


def _sent_campaign(page: Page, base: str) -> Pages:
    """One that was sent and held some out, with what came of it."""
    page.goto(f"{base}/admin/surveys/campaign/?state__exact=COMPLETED")
    path = page.locator("#result_list a[href*='/change/']").first.get_attribute("href") or ""
    page.goto(base + path)
    report = page.locator("#far a[href*='/report/']").get_attribute("href") or ""
    return [("campaign-sent", path, None), ("campaign-uplift", report, None)]


def _press(page: Page, selector: str) -> None:
    with page.expect_navigation():
        page.locator(selector).first.click()


def _send(page: Page) -> None:
    _press(page, "main form .btn-primary")


def _answer(page: Page) -> None:
    page.locator(".scale label").last.click()
    _send(page)


def _choose_recurring(page: Page) -> None:
    page.select_option("[name=trigger]", "RECURRING")
