"""Pictures of every page, for people to look at: `python -m tests.screens http://127.0.0.1:8000 var/screens`.

Takes each page of the running demo at 390 and 1280 px, light and dark, in English and Chinese, whole length; it sells,
takes back and merges a little in it first, so that there is something to see. Prints what the browser complained about,
what came from another host and what scrolls sideways; exits 1 when there was any. Words behind the folder keep it to
pictures whose names have them: `… var/screens zh-hans-dark-390`; words with a + look at pages alone whose names have
them: `… var/screens en-light-390 +campaign +survey`.
"""

import itertools
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import survey_screens
from tests.plugins.browser import ARGUMENTS, find_chromium

WIDTHS = (390, 1280)
THEMES = ("light", "dark")
LANGUAGES = ("en", "zh-hans")
# A page is a path, or a path and what to do there before the picture is taken.
Act = Callable[[Page], None]
Pages = list[tuple[str, str, Act | None]]


def main(base: str, folder: Path, *words: str) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    looks = [word for word in words if not word.startswith("+")]
    names = [word[1:] for word in words if word.startswith("+")] or [""]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        visits = _visits(browser, base)
        for language, theme, width in itertools.product(LANGUAGES, THEMES, WIDTHS):
            look = f"{language}-{theme}-{width}"
            if looks and not any(word in look for word in looks):
                continue
            for who, (sign_in, pages) in visits.items():
                context = _context(browser, base, language, theme, width)
                page = context.new_page()
                sign_in(page, base)
                _speak(context, base, language)  # signing in chose the customer's own
                _listen(page, base, complaints)
                for name, path, act in pages:
                    if not any(word in f"{who}-{name}" for word in names):
                        continue
                    page.goto(base + path)
                    if act:
                        act(page)
                    take(page, folder / f"{who}-{name}-{look}.png", complaints)
                context.close()
        browser.close()
    sys.stdout.write("".join(f"{line}\n" for line in sorted(set(complaints))))
    return bool(complaints)


def take(page: Page, file: Path, complaints: list[str]) -> None:
    page.wait_for_load_state("networkidle")
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        complaints.append(f"{page.url}: scrolls sideways in {file.name}")
    page.screenshot(path=file, full_page=True)


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
    page.on(
        "console",
        lambda said: (
            said.type == "error" and "status of 40" not in said.text and complaints.append(f"{page.url}: {said.text}")
        ),
    )
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
    page.wait_for_url(base + "/")


def _staff(role: str, page: Page, base: str) -> None:
    """In as the demo's owner, manager or cashier, who stands in the first store."""
    page.goto(base + "/staff/login/")
    page.fill("input[name=login]", f"{role}@example.org")
    page.fill("input[name=password]", f"maple-{role}-demo")
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(re.compile("/(admin|till)/"))
    if role != "manager":
        page.goto(base + "/till/store/")
        page.locator("main button[name=store]").first.click()
        page.wait_for_url(base + "/till/")


def _visits(browser: Browser, base: str) -> dict[str, tuple[Callable[[Page, str], None], Pages]]:
    """Who looks at what. Does first what there is to be seen."""
    desk = {role: _context(browser, base, "en", "light", 1280).new_page() for role in ("owner", "manager", "cashier")}
    for role, page in desk.items():
        _staff(role, page, base)
    customer = _context(browser, base, "en", "light", 1280).new_page()
    _customer(customer, base)
    number = _number(customer, base)
    own = _own_acts(desk, base, number)
    surveys, posters = survey_screens.prepare(desk["owner"], base)
    visits: dict[str, tuple[Callable[[Page, str], None], Pages]] = {
        "guest": (_nobody, _guest_pages() + posters),
        "customer": (_customer, list(_customer_pages(customer, base))),
        "cashier": (partial(_staff, "cashier"), list(_till_pages(desk["cashier"], base, number))),
        "manager": (partial(_staff, "manager"), own),
        "owner": (partial(_staff, "owner"), [*_admin_pages(desk["owner"], base), *surveys]),
    }
    for page in (*desk.values(), customer):
        page.context.close()
    return visits


def _named(*paths: str) -> Pages:
    return [(re.sub(r"\W+", "-", path).strip("-") or "home", path, None) for path in paths]


def _links(page: Page, selector: str) -> list[str]:
    """Paths, each once, as the page has them."""
    found = page.eval_on_selector_all(selector, "links => links.map(link => link.getAttribute('href'))")
    return list(dict.fromkeys(urlsplit(urljoin(page.url, link)).path for link in found))


def _guest_pages() -> Pages:
    def ask_for_code(page: Page) -> None:
        page.fill("input[name=email]", "nobody@example.org")
        with page.expect_navigation():
            page.locator("main form button[type=submit]").first.click()

    return [
        *_named("/", "/staff/login/", "/staff/password/reset/", "/s/no-such-token/", "/api/v1/docs"),
        ("sign-in", "/sign-in/", None),
        ("sign-in-code", "/sign-in/", ask_for_code),
    ]


def _number(page: Page, base: str) -> str:
    """The signed-in customer's own, as the till wants it."""
    page.goto(base + "/me/")
    found = re.search(r"\b[0-9A-Z]{4}[ -]?[0-9A-Z]{4}\b", page.inner_text("main"))
    assert found, "the page Me shows no number"
    return re.sub(r"[ -]", "", found.group())


def _customer_pages(page: Page, base: str) -> Iterator[tuple[str, str, Act | None]]:
    yield from _named("/", "/coupons/", "/rewards/", "/activity/", "/me/")
    page.goto(base + "/rewards/")
    rewards = _links(page, "main a[href^='/rewards/']")
    yield from [("reward", path, None) for path in rewards if re.fullmatch(r"/rewards/\d+/", path)][:1]
    taken = [path for path in rewards if re.fullmatch(r"/rewards/taken/\d+/", path)][:1]
    yield from [("taken", path, None) for path in taken]


def _own_acts(desk: dict[str, Page], base: str, number: str) -> Pages:
    """The manager asks for many points and merges two customers; what they, and no other, then see."""
    page = desk["manager"]
    page.goto(f"{base}/admin/customers/customer/?q={number}")
    mine = _links(page, "#result_list a[href*='/change/']")[0].removesuffix("change/")
    page.goto(base + mine + "adjust_points/")
    page.fill("input[name=points]", "4000")
    page.fill("input[name=reason]", "The till was broken for a week; receipts are in the folder")
    with page.expect_navigation():
        page.locator(".bo-form button").first.click()
    page.goto(f"{base}/admin/customers/customer/?is=member")
    others = [link.removesuffix("change/") for link in _links(page, "#result_list a[href*='/change/']")]
    source, target, third = [link for link in others if link != mine][:3]
    page.goto(f"{base}{source}merge_into/?into={re.sub(r'[^0-9]', '', target)}")
    page.fill("input[name=reason]", "Lost the first card")
    with page.expect_navigation():
        page.locator(".bo-form button").first.click()
    merge = f"{third}merge_into/?into={re.sub(r'[^0-9]', '', mine)}"
    names = ("adjust_points", "issue_coupon", "edit", "close")
    return [
        ("today", "/admin/", None),
        *[(name.replace("_", "-"), f"{mine}{name}/", None) for name in names],
        ("merge-choose", f"{third}merge_into/", None),
        ("merge-found", f"{third}merge_into/?q=a", None),
        ("merge", merge, None),
        ("forbidden", "/admin/customers/user/", None),
    ]


def _till_pages(page: Page, base: str, number: str) -> Iterator[tuple[str, str, Act | None]]:
    person = f"/till/customers/{number}/"
    page.goto(f"{base}{person}purchase/")
    _review(page)
    page.locator("#book").click()
    page.wait_for_url("**/till/purchases/*/")
    booked = urlsplit(page.url).path
    page.goto(f"{base}{person}purchase/")
    _review(page)
    page.locator("#book").click()
    page.wait_for_url("**/till/purchases/*/")
    page.goto(f"{page.url}return/")
    _choose_line(page)
    page.locator("button[name=step][value=book]").click()
    page.wait_for_url("**/till/returns/*/")
    returned = urlsplit(page.url).path
    page.goto(base + person)
    rewards = _links(page, f"main a[href^='{person}rewards/']")
    pickups = _links(page, "main a[href^='/till/pickups/'], main a[href^='/till/coupons/']")
    yield from (
        ("home", "/till/", None),
        ("store", "/till/store/", None),
        ("found-many", "/till/?q=a", None),
        ("found-none", "/till/?q=nobody-has-this-name", None),
        ("enroll", "/till/enroll/", None),
        ("enroll-refused", "/till/enroll/", _send),
        ("customer", person, None),
        ("purchase", f"{person}purchase/", None),
        ("purchase-reviewed", f"{person}purchase/", _review),
        ("purchase-guest", "/till/purchase/", _review),
        ("booked", booked, None),
        ("return-find", f"{person}return/", None),
        ("return", f"{booked}return/", None),
        ("return-reviewed", f"{booked}return/", _choose_line),
        ("returned", returned, None),
        ("undo", "/till/undo/", None),
        *[("reward", path, None) for path in rewards[:1]],
        *[(path.split("/")[2], path, None) for path in pickups[:2]],
    )


def _send(page: Page) -> None:
    with page.expect_navigation():
        page.locator("main form").evaluate("form => { form.noValidate = true; form.requestSubmit(); }")


def _review(page: Page) -> None:
    page.fill("input[name=amount]", "86.50")
    page.locator("#book").click()
    page.locator("#book[value=book]").wait_for()


def _choose_line(page: Page) -> None:
    page.locator(".return-choice input").first.check()
    page.locator("button.btn-book[value=review]").click()
    page.locator("button.btn-book[value=book]").wait_for()


def _admin_pages(page: Page, base: str) -> Iterator[tuple[str, str, Act | None]]:
    """The first page, each list of the navigation, the form to add, the first row's page and its acts."""
    what_if = "/admin/rewards/pointslot/what-if/"
    page.goto(base + "/admin/")
    lists = _links(page, "nav a[href^='/admin/'], #nav-sidebar a[href^='/admin/']")
    yield from _named(
        "/admin/", "/admin/rewards/pointslot/liability/", what_if, "/staff/password/change/", "/staff/2fa/"
    )
    yield "what-if-answered", what_if, _suppose
    for link in sorted(link for link in lists if re.fullmatch(r"/admin/\w+/\w+/", link)):
        name = link.split("/")[3]
        yield name, link, None
        page.goto(base + link)
        first = _links(page, "#result_list a[href*='/change/'], #result_list a[href*='/admin/']")[:1]
        if page.locator(f"a[href='{link}add/']").count():
            yield f"{name}-add", f"{link}add/", None
        for path in first:
            yield f"{name}-row", path, None
            page.goto(base + path)
            acts = [act for act in _links(page, f"a[href^='{path.removesuffix('change/')}']") if _shows_first(act)]
            yield from [(f"{name}-{act.split('/')[-2]}", act, None) for act in acts if act != path]


def _shows_first(path: str) -> bool:
    """Acts show a form or a question; nothing is done by looking."""
    return re.fullmatch(r"/admin/\w+/\w+/\d+/\w+/", path) is not None and not path.endswith(("/history/", "/delete/"))


def _suppose(page: Page) -> None:
    page.fill("input[name=points]", "2")
    page.locator("form button.primary").last.click()
    page.locator("#answer").wait_for()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/"), Path(sys.argv[2]), *sys.argv[3:]))
