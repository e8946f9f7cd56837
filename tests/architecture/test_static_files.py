"""The files that pages load: as they were shipped, all local, nothing inline."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "static" / "vendor"
SPRITE = VENDOR / "bootstrap-icons-1.13.2" / "sprite.svg"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Staff pages follow the admin theme; mails and files carry their styles with them.
PAGES = [
    path for path in TEMPLATES if path.relative_to(ROOT / "templates").parts[0] not in ("admin", "emails", "files")
]


def name_of(path):
    return str(path.relative_to(ROOT))


def test_vendored_files_match_the_table():
    rows = re.findall(r"^\| `(\S+)` \|.*\| `([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE)
    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.glob("*/*")
    }
    assert dict(rows) == found


def test_every_vendored_directory_has_its_license():
    assert [path.name for path in VENDOR.iterdir() if path.is_dir() and not (path / "LICENSE").exists()] == []


def test_vendored_files_name_no_source_map():
    named = [name_of(path) for path in VENDOR.glob("*/*") if b"sourceMappingURL" in path.read_bytes()]
    assert named == []


def test_every_icon_in_templates_is_in_the_sprite():
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', SPRITE.read_text()))
    sources = "".join(path.read_text() for path in TEMPLATES)
    used = set(re.findall(r'(?:{% icon |icon_name=)"([\w-]+)"', sources))
    assert "gift" in used
    assert used - drawn == set()


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_page_carries_no_inline_script_or_style(path):
    source = path.read_text()
    inline = [tag for tag in re.findall(r"<script\b[^>]*>", source) if " src=" not in tag]
    assert inline == []
    assert re.findall(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", source) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_template_loads_nothing_from_another_host(path):
    loads = re.findall(
        r"<(?:script|link|img|source|iframe|use)\b[^>]*\b(?:src|href)=[\"'](?:https?:)?//", path.read_text()
    )
    assert loads == []


def test_own_css_loads_nothing_from_another_host():
    css = (ROOT / "static" / "css" / "loyalty.css").read_text()
    assert re.findall(r"@import|url\(", css) == []
