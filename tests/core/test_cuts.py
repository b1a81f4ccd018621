"""How lists of names and long texts are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gittasks.core.ids import listed
from gittasks.core.validation import shorten


def test_names_are_named_and_the_rest_is_counted() -> None:
    """Only what is left out is counted."""
    assert listed([], 2) == ""
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"


@given(st.text(max_size=30), st.integers(1, 20), st.booleans())
def test_law_a_cut_text_fits_and_says_that_it_is_cut(text: str, limit: int, tidy: bool) -> None:
    """It is the text or its beginning with an ellipsis, never longer than allowed."""
    cut = shorten(text, limit, tidy=tidy)
    assert len(cut) <= limit
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]) and len(text) > limit)
