"""What the back office's pages of surveys are sent."""

from django.urls import reverse

TEXTS = {
    f"{name}_{language}": text
    for name in ("title", "introduction", "thanks")
    for language, text in (("en", "How was it?"), ("zh-hans", "怎么样？"))
}


def act(row, name):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def questions(*told, initial=0):
    """A formset of (id, position, text)."""
    form = {"questions-TOTAL_FORMS": len(told), "questions-INITIAL_FORMS": initial}
    for number, (pk, position, text) in enumerate(told):
        row = {"id": pk, "position": position, "kind": "TEXT", "text_en": text, "text_zh-hans": ""}
        form |= {f"questions-{number}-{name}": value for name, value in row.items()}
    return form
