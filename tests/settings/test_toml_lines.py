"""The locator of keys in a TOML document, against documents whose lines are known."""

from __future__ import annotations

import json
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.settings.toml_lines import Loc, key_lines

TEXT = st.text(st.sampled_from("aé\u2028 \n\t[]{}=#.,\"'\\"), max_size=20)
BASIC = TEXT.map(lambda text: json.dumps(text, ensure_ascii=False))
LITERAL = TEXT.map(lambda text: "'" + text.replace("'", "").replace("\n", "") + "'")
LONG_BASIC = st.builds(
    lambda text, end: '"""' + text.replace("\\", "\\\\").replace('"""', '""\\"').rstrip('"') + end + '"""',
    TEXT,
    st.sampled_from(["", '"', '""']),
)
LONG_LITERAL = st.builds(
    lambda text, end: "'''" + text.replace("'", "") + end + "'''", TEXT, st.sampled_from(["", "'", "''"])
)
SCALAR = st.sampled_from(["1", "-1.5e3", "true", "1979-05-27T07:32:00Z", "inf"]) | BASIC | LITERAL
STRING = LONG_BASIC | LONG_LITERAL
VALUE = st.recursive(
    SCALAR | STRING,
    lambda inner: (
        st.lists(inner, max_size=3).map(
            lambda items: "[ # ] [\n" + "".join(f"  {item}, # }}\n" for item in items) + "]"
        )
        | inner.filter(lambda item: "\n" not in item).map(lambda item: f"{{ a.b = {item}, 'c=' = [{item}] }}")
    ),
    max_leaves=6,
)
NOISE = st.sampled_from(["", "# [no]", "  ", "\t# k = '''", '# """'])
STYLE = st.sampled_from(["{}", '"{}"', "'{}'", " {} "])


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[Loc, int]]:
    """A TOML document and where each of its keys and tables stands, by how it was put together."""
    lines: list[str] = []
    expected: dict[Loc, int] = {}
    entries: dict[str, int] = {}

    def put(text: str) -> int:
        lines.extend(draw(st.lists(NOISE, max_size=2)))
        begin = sum(line.count("\n") + 1 for line in lines) + 1
        lines.append(text + draw(st.sampled_from(["", "  # ] = '"])))
        return begin

    def keys(table: Loc) -> None:
        for number in range(draw(st.integers(0, 3))):
            path = draw(
                st.sampled_from([(f"k{number}",), (f"k{number}", "x"), (f"k.{number}",), (f"d{number}", "=#", "[")])
            )
            name = ".".join(
                draw(STYLE).format(key) if key.isalnum() else draw(st.sampled_from([f'"{key}"', f"'{key}'"]))
                for key in path
            )
            begin = put(f"{name} = {draw(VALUE)}")
            expected.update({(*table, *path[:end]): begin for end in range(1, len(path) + 1)})

    keys(())
    for number in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["table", "implied", "array", "below"]))
        path: Loc
        if kind == "table":
            path = (f"t{number}",)
            expected[path] = put(f"[{draw(STYLE).format(path[0])}]")
        elif kind == "implied":
            path = (f"t{number}", "u")
            expected[path] = expected[path[:1]] = put(f"[t{number}.{draw(STYLE).format('u')}]")
        else:
            name = draw(st.sampled_from(["pvs", "line"]))
            path = (name, entries.get(name, 0))
            entries[name] = path[1] + 1
            expected[path] = put(f"[[{draw(STYLE).format(name)}]]")
            expected.setdefault((name,), expected[path])
            if kind == "below":
                keys(path)
                path = (*path, "sub")
                expected[path] = put(f"[{name}.sub]")
        keys(path)
    return "\n".join(lines), expected


@given(documents())
def test_every_key_is_found_on_its_line(document: tuple[str, dict[Loc, int]]) -> None:
    text, expected = document
    tomllib.loads(text)
    assert key_lines(text) == expected


READ_BY_EYE = r'''# [no]
a = "[" # [
"b.c"."d\u0041" = """
x = 1
"""""
l = [
  { k = "]" },
]
[[p]]
[[p.q]]
z = 1
[[p]]
[x.y]
[x]
'''


def test_lines_of_a_document_read_by_eye() -> None:
    assert key_lines(READ_BY_EYE) == {
        ("a",): 2,
        ("b.c",): 3,
        ("b.c", "dA"): 3,
        ("l",): 6,
        ("p",): 9,
        ("p", 0): 9,
        ("p", 0, "q"): 10,
        ("p", 0, "q", 0): 10,
        ("p", 0, "q", 0, "z"): 11,
        ("p", 1): 12,
        ("x", "y"): 13,
        ("x",): 14,
    }
