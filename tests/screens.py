"""Pictures of every page, for people to look at: `python -m tests.screens http://127.0.0.1:8000 var/screens`.

Takes each page of the running demo at 390 and 1280 px, light and dark, in English and Chinese, whole length. Prints
what the browser complained about and what came from another host; exits 1 when there was any.
"""

import itertools
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.plugins.browser import ARGUMENTS, find_chromium

WIDTHS = (390, 1280)
THEMES = ("light", "dark")
LANGUAGES = ("en", "zh-hans")
GUEST_PAGES = ("/", "/sign-in/", "/staff/login/", "/no-such-page/")
CUSTOMER_PAGES = ("/", "/coupons/", "/rewards/", "/activity/", "/me/")


def main(base: str, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        admin_pages = tuple(_admin_pages(browser, base))
        for language, theme, width in itertools.product(LANGUAGES, THEMES, WIDTHS):
            name = f"{language}-{theme}-{width}"
            for who, sign_in, pages in (
                ("guest", _nobody, GUEST_PAGES),
                ("customer", _customer, CUSTOMER_PAGES),
                ("admin", _owner, admin_pages),
            ):
                context = _context(browser, base, language, theme, width)
                page = context.new_page()
                _listen(page, base, complaints)
                sign_in(page, base)
                _speak(context, base, language)  # signing in chose the customer's own
                for path in pages:
                    page.goto(base + path)
                    page.wait_for_load_state("networkidle")
                    file = f"{who}{path.replace('/', '-').rstrip('-') or '-home'}-{name}.png"
                    page.screenshot(path=folder / file, full_page=True)
                context.close()
        browser.close()
    sys.stdout.write("".join(f"{line}\n" for line in sorted(set(complaints))))
    return bool(complaints)


def _context(browser: Browser, base: str, language: str, theme: str, width: int) -> BrowserContext:
    context = browser.new_context(
        viewport={"width": width, "height": 844 if width < 500 else 800}, color_scheme=theme, locale=language
    )
    _speak(context, base, language)
    return context


def _speak(context: BrowserContext, base: str, language: str) -> None:
    context.add_cookies([{"name": "django_language", "value": language, "url": base}])


def _listen(page: Page, base: str, complaints: list[str]) -> None:
    host = urlsplit(base).netloc
    page.on("console", lambda said: said.type == "error" and complaints.append(f"{page.url}: {said.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on(
        "request",
        lambda request: (
            urlsplit(request.url).netloc not in {host, ""} and complaints.append(f"{page.url}: loads {request.url}")
        ),
    )


def _nobody(page: Page, base: str) -> None:
    pass


def _customer(page: Page, base: str) -> None:
    page.goto(base + "/demo/")
    page.locator("main form button[type=submit]").first.click()


def _owner(page: Page, base: str) -> None:
    page.goto(base + "/staff/login/")
    page.fill("input[name=login]", os.environ["OWNER_EMAIL"])
    page.fill("input[name=password]", os.environ["OWNER_PASSWORD"])
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url("**/admin/**")


def _admin_pages(browser: Browser, base: str) -> Iterator[str]:
    """The first page, each list of the navigation, the form to add, and the first row's page."""
    page = _context(browser, base, "en", "light", 1280).new_page()
    _owner(page, base)
    yield "/admin/"
    links = page.eval_on_selector_all("a[href^='/admin/']", "links => links.map(link => link.getAttribute('href'))")
    lists = sorted({link for link in links if re.fullmatch(r"/admin/\w+/\w+/", link)})
    for link in lists:
        yield link
        page.goto(base + link)
        first = page.locator("#result_list a[href*='/change/'], #result_list a[href*='/admin/']").first
        if page.locator(f"a[href='{link}add/']").count():
            yield f"{link}add/"
        if first.count():
            yield urlsplit(urljoin(page.url, str(first.get_attribute("href")))).path
    page.context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/"), Path(sys.argv[2])))
