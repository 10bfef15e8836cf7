"""Rows leave a worker in pieces that are bounded in rows and in size."""

from cloudtrail_jobs.unpacking import split_rows


def lengths(rows, **bounds):
    return [len(piece) for piece in split_rows(((None, text and text.encode()) for text in rows), **bounds)]


def test_pieces_are_bounded_in_rows():
    assert lengths(["x"] * 7, most_rows=3, most_bytes=100) == [3, 3, 1]


def test_pieces_are_bounded_in_text():
    assert lengths(["x" * 6, "x" * 5, "x" * 5, "x"], most_rows=9, most_bytes=10) == [1, 2, 1]


def test_a_row_that_is_too_large_by_itself_is_a_piece_of_its_own():
    assert lengths(["x", "x" * 50, None], most_rows=9, most_bytes=10) == [1, 1, 1]


def test_no_rows_are_no_pieces():
    assert lengths([], most_rows=3, most_bytes=10) == []
