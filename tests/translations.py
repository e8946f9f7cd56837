"""The words of the product in other languages: `python -m tests.translations` collects and compiles them.

Everything is in one catalog, `loyalty_site/locale/<language>/LC_MESSAGES/django.po`. It is read with Babel alone, so
that no gettext tools are needed. The admin theme ships without Chinese, so its words are collected too.
"""

import ast
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation import templatize

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "loyalty_site" / "locale"
LANGUAGES = {"zh_Hans": "Simplified Chinese"}
OWN = ("customers", "rewards", "surveys", "loyalty_site", "templates")
# what each function's arguments are: context, singular, plural
FUNCTIONS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), "s"),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), "sp"),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), "cs"),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), "csp"),
}


def sources() -> Iterator[Path]:
    folders = [ROOT / name for name in OWN] + [Path(find_spec("unfold").origin).parent]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".html", ".txt"} and "migrations" not in path.parts:
                yield path


def calls_in_python(text: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """(function, arguments) of each call that translates; inside f-strings too, which Babel does not read."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            function = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            if function in FUNCTIONS:
                yield function, tuple(getattr(argument, "value", None) for argument in node.args)


def calls_in_template(text: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    code = "\n".join(line.strip() for line in templatize(text).splitlines())
    for _line, function, texts, _comments in extract_python(BytesIO(code.encode()), FUNCTIONS, [], {}):
        yield function, texts if isinstance(texts, tuple) else (texts,)


def messages() -> Iterator[tuple[str, str | tuple[str, str], str | None]]:
    """(where, text or (singular, plural), context) for each text in the sources."""
    for path in sources():
        where = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) and ".venv" not in path.parts else "unfold"
        calls = calls_in_python if path.suffix == ".py" else calls_in_template
        for function, arguments in calls(path.read_text(encoding="utf-8")):
            parts = dict(zip(FUNCTIONS[function], arguments, strict=False))
            if all(isinstance(part, str) and part for part in parts.values()) and "s" in parts:
                words = (parts["s"], parts["p"]) if "p" in parts else parts["s"]
                yield where, words, parts.get("c")


def template() -> Catalog:
    # one date for ever: the same texts are the same bytes
    catalog = Catalog(charset="utf-8", creation_date=datetime(2026, 1, 1, tzinfo=UTC))
    for where, words, context in messages():
        catalog.add(words, locations=[(where, None)], context=context)
    return catalog


def po_path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    buffer = BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def sign(catalog: Catalog, language: str) -> None:
    catalog.fuzzy = False
    catalog.header_comment = f"# {LANGUAGES[language]} of Loyalty Site."
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Loyalty Site", "1", ""
    catalog.last_translator, catalog.language_team = "Loyalty Site", LANGUAGES[language]
    catalog.revision_date = catalog.creation_date


def save(catalog: Catalog, language: str) -> None:
    path = po_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=120, sort_output=True, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(read(language)))


def update(language: str) -> int:
    """Collects, keeps what is translated, drops what is gone, compiles. Returns how many texts lack a translation."""
    catalog = read(language)
    catalog.update(template(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    sign(catalog, language)
    save(catalog, language)
    return sum(not complete(message) for message in catalog if message.id)


def complete(message: object) -> bool:
    words = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(words)


if __name__ == "__main__":
    missing = {language: update(language) for language in LANGUAGES}
    sys.stdout.write("".join(f"{language}: {count} without a translation\n" for language, count in missing.items()))
