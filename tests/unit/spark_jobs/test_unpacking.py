"""Records leave a worker in pieces that are bounded in number and in size."""

from cloudtrail_jobs.unpacking import pieces


def numbers(lengths, **bounds):
    found = list(pieces(lengths, **bounds))
    # Nothing is left out and nothing is in two of them.
    assert [place for begin, end in found for place in range(begin, end)] == list(range(len(lengths)))
    return [end - begin for begin, end in found]


def test_pieces_are_bounded_in_records():
    assert numbers([1] * 7, most_rows=3, most_bytes=100) == [3, 3, 1]


def test_pieces_are_bounded_in_text():
    assert numbers([6, 5, 5, 1], most_rows=9, most_bytes=10) == [1, 2, 1]


def test_a_record_that_is_too_large_by_itself_is_a_piece_of_its_own():
    assert numbers([1, 50, 0], most_rows=9, most_bytes=10) == [1, 1, 1]


def test_no_records_are_no_pieces():
    assert numbers([], most_rows=3, most_bytes=10) == []
