"""Texts: the shop accepts whatever the cleaning makes, and people still read what LCV wrote."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lcvsync.domain.texts import (
    clean_brand,
    clean_feature_value,
    clean_name,
    clean_option_value,
    clean_reference,
    cut,
    ean13_or_none,
    fold,
    link_rewrite,
    name_with_suffix,
    printable,
    sendable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FIELDS: list[tuple[Callable[[str], str], str, int]] = [
    (clean_name, r"[^<>;=#{}]*", 128),
    (clean_brand, r"[^<>;=#{}]*", 64),
    (clean_option_value, r"[^<>={}]*", 128),
    (clean_feature_value, r"[^<>={}]*", 255),
    (clean_reference, r"[^<>;={}]*", 64),
]
"""`Validate::isCatalogName`, `isGenericName`, `isReference` of PrestaShop 8.2.1, and the sizes of the fields."""

MARKUP = "& amp; &lt; &eacute; &#59; &#x37e; ; < > = # 1 { } <b> </b> <br/> é robe 👩 🏽"
UNSEEN_PIECES = (" ", "\n", "\x1b[31m", "\x9b1m", "\x1b]0;x\x07", "\u202e", "\u037e", "\u0301", "\u200d", "\ud800")
PIECES = st.sampled_from([*MARKUP.split(), *UNSEEN_PIECES])
SOUP = st.lists(PIECES | st.text(max_size=4), max_size=80).map("".join)
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@pytest.mark.parametrize(("clean", "accepted", "limit"), FIELDS, ids=lambda value: getattr(value, "__name__", ""))
@given(text=SOUP | st.text())
@example(text="R&amp;eacute;f. &am\u200bp;lt; \u037e" * 40)
def test_the_shop_accepts_whatever_comes_out(clean: Callable[[str], str], accepted: str, limit: int, text: str) -> None:
    """Any text becomes one that the field takes, on one line, in its length; cleaned again it stays."""
    result = clean(text)

    assert re.fullmatch(accepted, result)
    assert len(result) <= limit
    assert result == result.strip()
    assert not UNSEEN.search(result)
    assert clean(result) == result


@given(st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=60))
def test_letters_and_digits_are_never_lost(text: str) -> None:
    """What has letters or digits only, and fits, comes back as it was (composed)."""
    assert clean_name(text) == clean_reference(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Chemise <M>; coton = doux #12 {bio} #chic", "Chemise ‹M›, coton - doux n°12 (bio) chic"),
        ("L&rsquo;&eacute;t&eacute; &amp; la mer", "L’été & la mer"),
        ("R&amp;eacute;f &amp;amp; co", "Réf & co"),
        ("Cuir&microfibre", "Cuir&microfibre"),
        ("Robe <b>rouge</b><br/>longue", "Robe rouge longue"),
        ("  Robe\t\r\n longue\u00a0 ", "Robe longue"),
        ("\x1b[31mRobe\x1b[0m \u202elongue\x07", "Robe longue"),
        ("e\u0301te\u0301", "été"),
        ("#;", ","),
        ("\x00 \u200b", ""),
        ("Robe " * 40, ("Robe " * 25).strip()),
        ("Robe, " * 40, ("Robe, " * 21).strip(", ")),
        ("x" * 200, "x" * 128),
        ("👩🏽" * 80, "👩🏽" * 64),
        ("x" + "e\u0323\u0301" * 100, "x" + "ẹ́" * 63),
    ],
)
def test_names(text: str, expected: str) -> None:
    """Replacements read alike, markup and controls go, a cut falls between words or whole characters."""
    assert clean_name(text) == expected


def test_other_fields_keep_what_they_may() -> None:
    """Values keep `;` and `#`, references `#`; a reference is cut hard, so that its digits aren't lost with a word."""
    assert clean_option_value("T1; T2 #3 <4>") == clean_feature_value("T1; T2 #3 <4>") == "T1; T2 #3 ‹4›"
    assert clean_reference(" AB;12=3 #4 ") == "AB,12-3 #4"
    assert clean_reference("A" * 40 + " " + "1" * 40) == "A" * 40 + " " + "1" * 23


@pytest.mark.parametrize(
    ("text", "barcode"),
    [
        ("3760123456789", "3760123456789"), ("376012345678", "376012345678"), ("12345678", "12345678"),
        (" 3760123456789\n", "3760123456789"), ("1234567", None), ("123456789", None), ("37601234567890", None),
        ("376012345678X", None), ("١٢٣٤٥٦٧٨", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_barcodes(text: str | None, barcode: str | None) -> None:
    """Only 8, 12 or 13 ASCII digits are sent as `ean13`."""
    assert ean13_or_none(text) == barcode


def test_suffixes() -> None:
    """The name gives way, the suffix stays whole; without room or without a name it stands alone."""
    assert name_with_suffix("Robe Ondine", "Moutarde") == "Robe Ondine - Moutarde"
    assert name_with_suffix("Robe longue à fleurs " * 10, "Moutarde").endswith(" Robe longue - Moutarde")
    assert name_with_suffix("Robe", "") == "Robe"
    assert name_with_suffix("", "Moutarde") == "Moutarde"
    assert name_with_suffix("Robe", "x" * 126) == "x" * 126


@given(SOUP, SOUP, st.integers(1, 160))
def test_suffixes_are_never_cut(name: str, suffix: str, limit: int) -> None:
    """Whatever the two are, the whole suffix ends the name, which is accepted and short enough."""
    result = name_with_suffix(name, suffix, limit)

    assert len(result) <= limit
    assert result.endswith(clean_name(suffix, limit))
    assert re.fullmatch(FIELDS[0][1], result)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Robe d'Été – Œillet", "robe-d-ete-oeillet"),
        ("L’Écharpe à carreaux / 100% laine", "l-echarpe-a-carreaux-100-laine"),
        ("  T-shirt: [Col V] ", "t-shirt-col-v"),
        ("Straße & Łódź", "strasse-lodz"),
        ("S.O.S. n°1", "sos-n1"),
        ("日本語", "produit"),
        ("", "produit"),
        ("mot " * 60, "-".join(["mot"] * 32)),
    ],
)
def test_link_rewrite(text: str, slug: str) -> None:
    """As PrestaShop's `str2url` for French; something always remains."""
    assert link_rewrite(text) == slug


@given(SOUP | st.text(), st.integers(8, 128))
def test_link_rewrite_is_always_valid(text: str, limit: int) -> None:
    """`Validate::isLinkRewrite` holds for any text, without empty words, within the limit, and for good."""
    slug = link_rewrite(text, limit)

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= limit
    assert link_rewrite(slug, limit) == slug


@pytest.mark.parametrize(
    ("one", "other"),
    [("Écru ", "ECRU"), ("Œillet", "oeillet"), ("Straße", "STRASSE"), ("bleu\u00a0 nuit", "Bleu nuit"), ("m²", "M2")],
)
def test_fold_equates(one: str, other: str) -> None:
    """Case, accents, ligatures and spaces make no difference, as in the shop's database."""
    assert fold(one) == fold(other)


def test_fold_distinguishes() -> None:
    """Signs and digits do make one."""
    assert len({fold(text) for text in ("36/38", "36-38", "3638", "36", "36+")}) == 5


@given(SOUP | st.text())
def test_fold_is_a_key(text: str) -> None:
    """A fold is its own fold, and the same however the text is cased, composed or spaced."""
    key = fold(text)

    assert fold(key) == key
    assert fold(f" {text}\n") == key
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text)) == key


@given(SOUP | st.text())
def test_printable_is_safe(text: str) -> None:
    """Nothing that a terminal obeys gets through, everything can be encoded, and what is safe is left alone."""
    shown = printable(text)

    assert not UNSEEN.search(shown)
    assert shown.encode().decode() == shown
    assert printable(shown) == shown


def test_printable_shows_what_was_there() -> None:
    """What is neutralised can be seen; French typography and emoji stay."""
    assert printable("a\x1b[31mb\u202ec\n\ud800") == r"a\x1b[31mb\u202ec\n\ud800"
    assert printable("« Été\u00a0» – 12\u202f€ 👩🏽") == "« Été\u00a0» – 12\u202f€ 👩🏽"


@given(SOUP | st.text())
def test_sendable_fits_in_xml(text: str) -> None:
    """What is sent is XML 1.0 and UTF-8, keeps its lines, and needs cleaning only once."""
    sent = sendable(text)

    assert not re.search("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", sent)
    assert sendable(sent) == sent
    assert sendable("a\r\nb\x0bc\u2028d") == "a\nb\nc\nd"


@given(st.text(st.sampled_from("ab é,-\u0301\u200d👩🏽")), st.integers(1, 30))
def test_cut(text: str, limit: int) -> None:
    """A cut text is a beginning of the text within the limit, and no mark of it is left behind."""
    start = cut(text, limit)
    rest = text[len(start) :]

    assert text.startswith(start)
    assert len(start) <= limit
    if len(start) < min(limit, len(text)) and start:
        assert not unicodedata.combining(rest[0])


@pytest.mark.parametrize("mark", ["\u0301", "\u200c", "\u200d", "\ufe0f", "\U0001f3fb", "\U0001f3ff"])
def test_marks_stay_with_their_character(mark: str) -> None:
    """An accent, a joiner, a variation or a skin tone is never cut off, the lightest and the darkest included."""
    assert cut(f"abx{mark}", 3) == "ab"
    assert cut(f"abx{mark}", 4) == f"abx{mark}"
