"""The words of the product in other languages: `python -m tests.translations` collects and compiles them.

Everything is in one catalog, `loyalty_site/locale/<language>/LC_MESSAGES/django.po`. It is read with Babel alone, so that
no gettext tools are needed. The admin theme ships without Chinese, so its words are collected too.
"""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import django
from babel.messages import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation import templatize

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "loyalty_site" / "locale"
LANGUAGES = {"zh_Hans": "zh_Hans"}
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (1,)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
OWN = ("customers", "rewards", "surveys", "loyalty_site", "templates")


def sources() -> Iterator[Path]:
    folders = [ROOT / name for name in OWN] + [Path(find_spec("unfold").origin).parent]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".html", ".txt"} and "migrations" not in path.parts:
                yield path


def python_of(path: Path) -> str:
    """A template's texts as lines of Python calls."""
    text = path.read_text()
    if path.suffix == ".py":
        return text
    return "\n".join(line.strip() for line in templatize(text).splitlines())


def messages() -> Iterator[tuple[str, str | tuple[str, ...], str | None]]:
    """(where, text or (singular, plural), context) for each text in the sources."""
    for path in sources():
        where = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) and ".venv" not in path.parts else "unfold"
        code = BytesIO(python_of(path).encode())
        for _line, function, texts, _comments in extract_python(code, KEYWORDS, [], {"encoding": "utf-8"}):
            given = (texts,) if isinstance(texts, str) else tuple(texts)
            spec = KEYWORDS[function]
            context = given[0] if isinstance(spec[0], tuple) else None
            words = given[1:] if context is not None else given
            words = words[: sum(not isinstance(place, tuple) for place in spec)]
            if words and all(isinstance(word, str) and word for word in words):
                yield where, words[0] if len(words) == 1 else words, context


def template() -> Catalog:
    catalog = Catalog(project="Loyalty Site", charset="utf-8")
    for where, words, context in messages():
        catalog.add(words, locations=[(where, None)], context=context)
    return catalog


def po_path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=LANGUAGES[language], charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGES[language])


def compiled(catalog: Catalog) -> bytes:
    buffer = BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def update(language: str) -> int:
    """Collects, keeps what is translated, drops what is gone, compiles. Returns how many texts lack a translation."""
    catalog = read(language)
    catalog.update(template(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    path = po_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=120, sort_output=True, omit_header=False, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(catalog))
    return sum(not complete(message) for message in catalog if message.id)


def complete(message: object) -> bool:
    words = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(words)


if __name__ == "__main__":
    django.setup()
    missing = {language: update(language) for language in LANGUAGES}
    sys.stdout.write("".join(f"{language}: {count} without a translation\n" for language, count in missing.items()))
