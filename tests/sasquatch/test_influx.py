# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Answers of the database: what is read of them, and what is refused."""

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.rawServer import RawServer, Step, makeAnswer

from lsst.analysis.cp.sasquatch import InfluxClient, InfluxError, findLogin
from lsst.analysis.cp.sasquatch.access import SasquatchError, Secret, WebAddress
from lsst.analysis.cp.sasquatch.http import HttpClient
from lsst.analysis.cp.sasquatch.influx import (
    NUMBER,
    TEXT,
    WHOLE,
    quoteName,
    quotePattern,
    quoteText,
    readColumn,
)

SECRET = "s3cr3t-w0rd"
KINDS = {"who": TEXT, "n": WHOLE, "a": NUMBER}
EMPTY = {"results": [{"statement_id": 0}]}
PARTIAL = {"partial": True}
Ask = Callable[..., dict[str, pa.Table]]


def makeSeries(*rows: list[object], **more: object) -> dict[str, object]:
    return {"name": "m", "columns": ["time", "who", "n", "a"], "values": [[1, *row] for row in rows], **more}


def makeDocument(*series: dict[str, object], **more: object) -> dict[str, object]:
    return {"results": [{"statement_id": 0, "series": list(series), **more}]}


ROWS = makeDocument(makeSeries(["x", 7, 0.5]))


def encode(*documents: object) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long between attempts."""
    monkeypatch.setattr("lsst.analysis.cp.sasquatch.influx._FIRST_WAIT", 0.005)


class Database(RawServer):
    """Answers each request by the next of some answers, the last again and again."""

    def __init__(self) -> None:
        self.answers: list[list[Step]] = []
        super().__init__(lambda _: self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    def answer(self, *documents: object, status: int = 200, **headers: str) -> None:
        body = documents[0] if documents and isinstance(documents[0], bytes) else encode(*documents)
        self.answers.append([makeAnswer(status, body, **headers)])


@pytest.fixture
def database() -> Iterator[Database]:
    """Serve answers of a database."""
    with Database() as server:
        yield server


@pytest.fixture
def ask(database: Database) -> Ask:
    """Return a function that makes a query."""

    def ask(text: str = "SELECT a FROM m", secret: Secret | None = None, **options) -> dict[str, pa.Table]:
        http = HttpClient(WebAddress.parse(database.url, "database"), secret)
        return InfluxClient(http=http, database="efd", **options).query(text, KINDS)

    return ask


def readRows(tables: dict[str, pa.Table]) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in tables["m"].to_pylist()]


# What is read.


def test_an_answer_is_read_part_by_part(database: Database, ask: Ask) -> None:
    first = makeDocument(makeSeries(["x", 7, 0.5], ["y", None, None], **PARTIAL), **PARTIAL)
    database.answer(first, makeDocument(makeSeries(["x", "8", 2])))
    found = ask()["m"]
    assert found.schema.equals(pa.schema(KINDS.items()))
    assert found["who"].to_pylist() == ["x", "y", "x"]
    assert found["n"].to_pylist() == [7, None, 8]
    np.testing.assert_array_equal(found["a"].to_numpy(), [0.5, np.nan, 2.0])


def test_columns_may_be_in_any_order_and_more(database: Database, ask: Ask) -> None:
    series = {"name": "m", "columns": ["a", "n", "more", "who"], "values": [[0.5, 7, {}, "x"]]}
    database.answer(makeDocument(series))
    assert readRows(ask()) == [("x", 7, 0.5)]


def test_series_of_several_names_are_apart(database: Database, ask: Ask) -> None:
    other = makeSeries(["z", 1, 1]) | {"name": "other"}
    database.answer(makeDocument(makeSeries(["x", 7, 0.5]), other), makeDocument(makeSeries(["y", 8, 1.5])))
    found = ask()
    assert {name: table["who"].to_pylist() for name, table in found.items()} == {
        "m": ["x", "y"],
        "other": ["z"],
    }


@pytest.mark.parametrize("document", [EMPTY, makeDocument(), {"results": [{}]}])
def test_an_answer_may_have_no_rows(database: Database, ask: Ask, document: object) -> None:
    database.answer(document)
    assert ask() == {}


def test_an_answer_may_be_packed(database: Database, ask: Ask) -> None:
    database.answer(gzip.compress(encode(ROWS)), Content_Encoding="gzip")
    assert readRows(ask()) == [("x", 7, 0.5)]


def test_a_query_names_database_and_policy(database: Database, ask: Ask) -> None:
    database.answer(EMPTY)
    ask('SELECT "a&b" FROM m', retentionPolicy="year")
    method, path, _ = database.requests[0].split(b"\r\n")[0].decode().split(" ")
    assert (method, urlsplit(path).path) == ("GET", "/base/query")
    assert parse_qs(urlsplit(path).query) == {
        "q": ['SELECT "a&b" FROM m'],
        "db": ["efd"],
        "rp": ["year"],
        "epoch": ["ns"],
        "chunked": ["true"],
        "chunk_size": ["10000"],
    }


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_are_exact(values: list[int | None]) -> None:
    assert readColumn(values, WHOLE).to_pylist() == values
    texts = [None if value is None else str(abs(value) % 2**63) for value in values]
    assert readColumn(texts, WHOLE).to_pylist() == [None if text is None else int(text) for text in texts]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_have_all_digits(values: list[float]) -> None:
    # The database leaves out the point of whole numbers.
    sent = json.loads(json.dumps([int(v) if v.is_integer() and abs(v) < 1e21 else v for v in values]))
    assert readColumn(sent, NUMBER).to_pylist() == values


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"))))
def test_texts_are_null_where_empty(values: list[str | None]) -> None:
    assert readColumn(values, TEXT).to_pylist() == [value or None for value in values]


# What is refused.


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("n", "94.7", "expected whole numbers: 94.7"),
        ("n", "true", "expected whole numbers: True"),
        ("n", '"R22"', "expected whole numbers: 'R22'"),
        ("n", '"94.0"', "expected whole numbers: '94.0'"),
        ("n", '"-1"', "expected whole numbers: '-1'"),
        ("n", '"²"', "expected whole numbers: '²'"),
        ("n", "1e400", "expected whole numbers: inf"),
        ("n", "9223372036854775808", "expected whole numbers: "),
        ("n", "9007199254740994.0", "expected whole numbers: "),
        ("n", "[1]", r"expected whole numbers: \[1\]"),
        ("a", "true", "expected numbers: True"),
        ("a", '"5.5"', "expected numbers: '5.5'"),
        ("a", "1e400", "expected numbers: inf"),
        ("a", "1" + "0" * 400, "expected numbers: int too large"),
        ("a", "{}", "expected numbers: {}"),
        ("who", "1", "expected texts: 1"),
        ("who", "false", "expected texts: False"),
        ("who", json.dumps("no text" * 1000) + "]" + '"', "does not answer"),
    ],
)
def test_a_value_of_another_type_is_an_error(
    database: Database, ask: Ask, column: str, value: str, message: str
) -> None:
    place = list(KINDS).index(column)
    row = ['"x"', "7", "0.5"]
    row[place] = value
    text = json.dumps(makeDocument(makeSeries(["x", 7, 0.5]))).replace('"x", 7, 0.5', ", ".join(row))
    database.answer(text.encode())
    expected = message if "does not" in message else f"topic m, field {column}: {message}"
    with pytest.raises(InfluxError, match=expected):
        ask()
    assert len(database.requests) == 1


def test_a_missing_column_is_an_error(database: Database, ask: Ask) -> None:
    database.answer(makeDocument({"name": "m", "columns": ["time", "who", "a"], "values": [[1, "x", 2]]}))
    with pytest.raises(InfluxError, match="topic m, field n: there is no such column in the answer"):
        ask()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[1]\n",
        b"3\n",
        b"{}\n",
        b'{"results": 1}\n',
        b'{"results": []}\n',
        b'{"results": [1]}\n',
        b'{"results": [{}, {}]}\n',
        encode(EMPTY)[:-4] + b"\n",
        encode(ROWS).replace(b"0.5", b"NaN"),
        encode(ROWS).replace(b"0.5", b"1" * 5000),
        encode(ROWS).replace(b'"x"', b'"\xff"'),
        encode(ROWS).replace(b'"who"', b'"a"'),
        encode(ROWS).replace(b", 0.5", b""),
        encode(ROWS).replace(b'"values"', b'"values": null, "a"'),
        b'{"results": ' + b"[" * 200_000,
        encode(ROWS) + b"<html>",
    ],
)
def test_what_is_no_answer_of_the_database_is_an_error(database: Database, ask: Ask, body: bytes) -> None:
    database.answer(body)
    with pytest.raises(InfluxError, match="does not answer as InfluxDB does"):
        ask()


@pytest.mark.parametrize(
    "document",
    [
        makeDocument(makeSeries(["x", 7, 0.5]), **PARTIAL),
        makeDocument(makeSeries(["x", 7, 0.5], **PARTIAL)),
        makeDocument(makeSeries(["x", 7, 0.5]), partial="true"),
    ],
)
def test_an_answer_that_ends_too_early_is_an_error(database: Database, ask: Ask, document: object) -> None:
    database.answer(document)
    with pytest.raises(InfluxError, match="ended its answer to 'SELECT a FROM m' before it was complete"):
        ask()


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\n"])
def test_an_empty_answer_is_an_error(database: Database, ask: Ask, body: bytes) -> None:
    database.answer(body)
    with pytest.raises(InfluxError, match="before it was complete"):
        ask()


@pytest.mark.parametrize("length", [1, 20, -1])
@pytest.mark.parametrize("headers", [{}, {"Content_Encoding": "gzip"}])
def test_an_answer_that_is_cut_is_an_error(database: Database, ask: Ask, length: int, headers) -> None:
    body = gzip.compress(encode(ROWS)) if headers else encode(ROWS)
    database.answers.append([makeAnswer(200, body, **headers)[: length - len(body)]])
    with pytest.raises(InfluxError, match="ends before it is complete"):
        ask()


@pytest.mark.parametrize("document", [{"error": "out of memory"}, {"results": [{"error": "out of memory"}]}])
def test_an_error_after_good_rows_is_an_error(database: Database, ask: Ask, document: object) -> None:
    database.answer(ROWS, document)
    with pytest.raises(InfluxError, match="refuses 'SELECT a FROM m': out of memory"):
        ask()


@pytest.mark.parametrize(
    ("status", "body"), [(400, b'{"error": "bad query"}'), (404, b"bad query"), (204, b"")]
)
def test_another_status_is_an_error(database: Database, ask: Ask, status: int, body: bytes) -> None:
    database.answer(body, status=status)
    with pytest.raises(InfluxError, match=f"answers {status}: {'bad query' if body else ''}"):
        ask()
    assert len(database.requests) == 1


@pytest.mark.parametrize("rows", [encode(ROWS), encode(ROWS)[:-10]])
def test_what_may_pass_is_tried_again(database: Database, ask: Ask, rows: bytes) -> None:
    database.answer(status=503)
    database.answers.append([makeAnswer(200, rows + b" " * 10)[:-10], 0.01])
    database.answers.append([b"HTTP/1.1 103 Early Hints\r\n\r\n", makeAnswer(200, encode(ROWS))])
    assert readRows(ask()) == [("x", 7, 0.5)]
    assert len(database.requests) == 3


@pytest.mark.parametrize(("asked", "attempts"), [(0.2, 1), (0, 4)])
def test_a_server_that_stays_busy_is_given_up(
    database: Database, ask: Ask, asked: float, attempts: int
) -> None:
    database.answer(b'{"error": "busy"}', status=503, Retry_After="9" if asked else "0")
    with pytest.raises(InfluxError, match="503 busy"):
        ask(timeout=2.0)
    assert len(database.requests) == attempts


def test_a_slow_answer_is_given_up(database: Database, ask: Ask) -> None:
    database.answers.append([b"HTTP/1.1 200 OK\r\n\r\n", *[encode(ROWS), 0.02] * 100])
    started = time.monotonic()
    with pytest.raises(InfluxError, match=r"no complete answer within"):
        ask(timeout=0.2)
    assert time.monotonic() - started < 1.5


def test_a_server_that_is_not_there_is_an_error() -> None:
    http = HttpClient(WebAddress.parse("http://127.0.0.1:9", "database"))
    with pytest.raises(InfluxError, match="http://127.0.0.1:9: .*refused"):
        InfluxClient(http=http, database="efd").query("SELECT 1", KINDS)


# Secrets.


@pytest.mark.parametrize("place", ["error", "status", "redirect", "garbage", "value", "name"])
@pytest.mark.parametrize("secret", [Secret.bearer(SECRET), Secret.basic("me", SECRET)])
def test_a_server_that_repeats_the_secret_does_not_reveal_it(
    database: Database, ask: Ask, secret: Secret, place: str
) -> None:
    echo = f"{SECRET} {secret.header}"
    documents = {
        "error": {"results": [{"error": echo}]},
        "status": {"error": echo},
        "redirect": {},
        "garbage": {"no results": echo},
        "value": makeDocument(makeSeries(["x", echo, 1])),
        "name": makeDocument({"name": echo, "columns": ["time"], "values": []}),
    }
    status = {"status": 401, "redirect": 307}.get(place, 200)
    headers = {"Location": f"https://{SECRET}:{SECRET}@other.example/{SECRET}"} if place == "redirect" else {}
    database.answer(documents[place], status=status, **headers)
    with pytest.raises(InfluxError) as info:
        ask(secret=secret)
    assert SECRET not in str(info.value)
    assert secret.header.split()[1] not in str(info.value)
    assert info.value.__cause__ is None
    assert len(database.requests) == 1


@pytest.fixture
def secretFile(tmp_path: Path) -> Path:
    """Write a secret into a file."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


def makeBasic(user: str, password: str) -> Secret:
    return Secret("Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


def test_logins_are_read_from_files(secretFile: Path) -> None:
    assert findLogin("me", passwordFile=secretFile) == makeBasic("me", SECRET)
    assert findLogin(tokenFile=secretFile) == Secret(f"Bearer {SECRET}")


def test_logins_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, secretFile: Path) -> None:
    assert findLogin() is None
    monkeypatch.setenv("SASQUATCH_INFLUXDB_PASSWORD", "other")
    assert findLogin("me") == makeBasic("me", "other")
    monkeypatch.setenv("SASQUATCH_INFLUXDB_USER", "we")
    assert findLogin() == makeBasic("we", "other")
    assert findLogin(passwordFile=secretFile) == makeBasic("we", SECRET)
    assert findLogin(tokenFile=secretFile) == Secret(f"Bearer {SECRET}")


@pytest.mark.parametrize(
    ("user", "variables", "message"),
    [
        ("me", {}, r"A user is given, but no password; it may be in \$SASQUATCH_INFLUXDB_PASSWORD"),
        (
            None,
            {"PASSWORD": SECRET},
            r"A password is given, but no user; .* in \$SASQUATCH_INFLUXDB_USER",
        ),
        (None, {"USER": "me", "PASSWORD": SECRET, "TOKEN": SECRET}, "Both a token and a user"),
        (None, {"TOKEN": f"{SECRET} x"}, "The token must be one word"),
        (None, {"TOKEN": ""}, "The token must be one word"),
        ("a:b", {"PASSWORD": SECRET}, "The user is empty or has characters"),
    ],
)
def test_what_does_not_go_together_is_refused(
    monkeypatch: pytest.MonkeyPatch, user: str | None, variables: dict[str, str], message: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SASQUATCH_INFLUXDB_{name}", value)
    with pytest.raises(SasquatchError, match=message) as info:
        findLogin(user)
    assert SECRET not in str(info.value)


def test_a_token_and_a_user_are_refused(secretFile: Path) -> None:
    with pytest.raises(SasquatchError, match="Both a token and a user"):
        findLogin("me", tokenFile=secretFile)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SasquatchError, match=r"file of the token, .*absent, cannot be read: No such file"):
        findLogin(tokenFile=tmp_path / "absent")


def test_names_are_quoted() -> None:
    assert quoteName('a"b\\c\nd') == r'"a\"b\\c\nd"'
    assert quoteText("a'b\\c\nd") == r"'a\'b\\c\nd'"
    assert quotePattern("lsst.cp.ts.") == r"/^lsst\.cp\.ts\.[^.]+$/"
