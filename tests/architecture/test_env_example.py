import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r'\b(?:env\.\w+|flag)\(\s*"([A-Z][A-Z_]+)"')
SHOWN = re.compile(r"^# ([A-Z][A-Z_]+)=", re.MULTILINE)


def test_env_example_shows_every_variable_that_is_read():
    sources = [
        path for name in ("loyalty_site", "customers", "rewards", "surveys") for path in (ROOT / name).rglob("*.py")
    ]
    read = {name for path in sources for name in READ.findall(path.read_text())}
    assert read == set(SHOWN.findall((ROOT / ".env.example").read_text()))
