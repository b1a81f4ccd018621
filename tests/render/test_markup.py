"""No text becomes markup: the tags escape it, and there is no other way in."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.render.html.markup import Html, document, script, source_hash, style_sheet, tag
from gittasks.render.text import clean_block


class Reader(HTMLParser):
    """What a reader of HTML sees: the tags with their attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: Html) -> Reader:
    reader = Reader()
    reader.feed(str(markup))
    reader.close()
    return reader


@given(st.text())
def test_text_is_text(text: str) -> None:
    """Whatever is given as text is shown, and nothing of it is a tag or an attribute."""
    found = read(tag("p", text, [text, None], title=text))
    assert found.tags == [("p", [("title", clean_block(text))])]
    assert found.text == clean_block(text) * 2


def test_markup_is_only_what_tags_made() -> None:
    """A str of markup is text, also when it went through Html; only a tag is a tag."""
    assert str(Html("<b>", tag("b", "x"))) == "&lt;b&gt;<b>x</b>"
    assert str(tag("p", str(tag("b")))) == "<p>&lt;b&gt;&lt;/b&gt;</p>"


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("script", {}),
        ("iframe", {}),
        ("style", {}),
        ("p onclick", {}),
        ("p", {"onclick": "x"}),
        ("p", {"style": "x"}),
        ("a", {"href": "javascript:alert(1)"}),
        ("a", {"href": "https://example.com/"}),
        ("img", {"src": "#x"}),
        ("p", {"a b": "x"}),
    ],
)
def test_nothing_runs_and_nothing_leads_out(name: str, attributes: dict[str, str]) -> None:
    """Tags and attributes that run something or leave the page are refused."""
    with pytest.raises(ValueError, match=r"may be used|leads nowhere else"):
        tag(name, **attributes)


@pytest.mark.parametrize("content", ["</style>", "</script>", "<!--"])
def test_a_style_or_script_cannot_end_early(content: str) -> None:
    """What would end the element, or hide what follows, is refused."""
    for make in (style_sheet, script):
        with pytest.raises(ValueError, match="must not hold"):
            make(content)


def test_a_document_is_whole() -> None:
    """Language, head and body; the hash is that of the content alone (CSP level 2)."""
    page = document(tag("head", tag("title", "<x>")), tag("body", tag("br"), "y"))
    assert page == (
        '<!DOCTYPE html>\n<html lang="en"><head><title>&lt;x&gt;</title></head>'
        "<body><br>y</body></html>\n"
    )
    assert source_hash("") == "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
