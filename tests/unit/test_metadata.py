"""Values in a blob's metadata, as different tools write them."""

import pytest

from clips.ingest.metadata import decoded, notes_of


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Caf%C3%A9", "Café"),
        ("My%20film", "My film"),
        ("%E6%97%A5%E6%9C%AC", "日本"),
        ("50%25 off", "50% off"),
        ("a+b", "a+b"),
        ("100%", "100%"),
        ("100% sure, 5%C3", "100% sure, 5%C3"),
        ("Caf%E9", "Caf%E9"),
        ("Café %C3%A9", "Café %C3%A9"),
        ("fÃ¼r", "für"),
        ("Å½ilina", "Žilina"),
        ("SÃO", "SÃO"),
        ("æ\x97¥æ\x9c¬", "日本"),
        ("it â€“ that", "it \N{EN DASH} that"),
        ("Ã¼ and 日本", "Ã¼ and 日本"),
        ("â€œHiâ€\x9d Ã¼", "“Hi” ü"),
        ("ðŸŽ¬ Ã\x81rbol", "🎬 Árbol"),
        ("CafÃƒÂ©", "Café"),
        ("CafÃ\x83Â©", "Café"),
        ("Ñandú", "Ñandú"),
        ("", ""),
    ],
)
def test_text_is_decoded_where_only_one_reading_is_possible(text: str, meant: str) -> None:
    assert decoded(text) == meant


def test_names_count_without_regard_to_case() -> None:
    notes = notes_of({"TITLE": "A", "Start_Time": "1.5", "eNd_tImE": "2"})
    assert (notes.title, notes.start_time, notes.end_time) == ("A", 1.5, 2.0)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "", "x", "1e9"])
def test_times_that_make_no_sense_do_not_count(value: str) -> None:
    notes = notes_of({"start_time": value, "end_time": value})
    assert (notes.start_time, notes.end_time) == (0.0, None)
