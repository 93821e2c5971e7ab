"""Reports: one HTML file that is well-formed, self-contained, safe, the same each time, and readable."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bandits import pages
from bandits.arena.arena import Arena
from bandits.commands.reports import match_page
from bandits.errors import BanditsError, UnknownName
from bandits.pages.match import efficiency_in_words, verdict_in_words
from tests.support import browser
from tests.support.shelltools import commands, quick

VOID = {"meta", "br", "hr", "img", "link", "input"}
NEEDS = {"tr": {"thead", "tbody"}, "td": {"tr"}, "th": {"tr"}, "li": {"ol", "ul"}, "dt": {"dl"}}
HOSTILE = "<img src=x onerror=alert(1)>&\"'"
WIDTHS = (390, 1280)
LONG = ("A-name-of-thirty-two-letters-abc", "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW")


class Page(HTMLParser):
    """A page read strictly: every element is closed, in order, where it may stand."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []  # the element that each is in
        assert text.startswith("<!DOCTYPE html>\n")
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} twice"
        assert tag not in NEEDS or self.open[-1] in NEEDS[tag], f"{tag} in {self.open[-1]}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open or tag in VOID, f"{tag} closes itself outside of SVG"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> in {self.open}"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1], " ".join(data.split())))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.texts)


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Agents of several leagues, one that exploded, and their matches."""
    with Arena(tmp_path_factory.mktemp("pages")) as arena:
        arena.battle("A", "B", 100)
        arena.create_agent("Ada")
        arena.set_setting("batch_size", "16")
        arena.battle("Ada", "B", max_flops=300_000_000, seed=7)
        arena.create_agent("Boom")
        arena.set_setting("learning_rate", "1e30")
        arena.battle("Boom", "Ada", 5)
        for name in LONG:
            arena.create_agent(name)
        arena.battle(*LONG, 20)
        yield arena


@pytest.fixture(scope="module")
def shown(arena: Arena) -> dict[str, str]:
    """The page of each match, and of the leaderboard."""
    matches = {str(n): match_page(arena, n) for n in (1, 2, 3, 4)}
    return matches | {"leaderboard": pages.leaderboard_page(arena)}


WHAT = ["1", "2", "3", "4", "leaderboard"]


@pytest.mark.parametrize("what", WHAT)
def test_a_page_is_well_formed_and_accessible(shown: dict[str, str], what: str) -> None:
    page = Page(shown[what])
    assert page.all("html") == [{"lang": "en"}]
    assert [text for tag, text in page.texts if tag == "title"]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))  # none is skipped
    assert all(th.get("scope") in ("col", "row", "rowgroup") for th in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table")) > 0
    assert all(
        svg["role"] == "img" and len(svg["aria-label"] or "") > 40 for svg in page.all("svg")
    )
    assert {"main", "header", "footer"} <= {tag for tag, _ in page.elements}
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert not [name for name, n in ids.items() if n > 1]


@pytest.mark.parametrize("what", WHAT)
def test_a_page_needs_nothing_from_elsewhere(shown: dict[str, str], what: str) -> None:
    page = Page(shown[what])
    ids = {attributes.get("id") for _, attributes in page.elements}
    for tag, attributes in page.elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "img", "image", "base"}
        for key, value in attributes.items():
            assert not key.startswith("on"), (tag, key)
            assert "://" not in (value or "") or key.startswith("xmlns"), (tag, key, value)
            if key in ("href", "src", "xlink:href"):
                assert (value or "").startswith("#"), (tag, value)
                assert (value or "")[1:] in ids
    assert set(re.findall(r"url\((.)", shown[what])) <= {"#"}
    assert "@import" not in shown[what]


def test_a_match_page_says_all_that_the_match_was(arena: Arena, shown: dict[str, str]) -> None:
    match = arena.match(2)
    text = Page(shown["2"]).text
    outcome = match.outcome
    for said in (
        "Match 2: Ada against B",
        "300 MFLOP of training each",
        verdict_in_words(match),
        efficiency_in_words(match),
        "Seed 7, ruleset 1, dataset names",
        "verify 2",
        "battle Ada B --energy 300000000 --seed 7",
        f"{outcome['a']['judgement']['score']:.0f}",
        f"{outcome['b']['judgement']['quality']:.2f}",
    ):
        assert said in text, said
    for side in ("a", "b"):
        assert all((sample or "(empty)") in text for sample in outcome[side]["samples"])
    rows = re.findall(r"Uniqueness</th>\s*<td[^>]*>([^<]+)</td>\s*<td[^>]*>([^<]+)<", shown["2"])
    assert rows == [tuple(f"{100 * outcome[s]['judgement']['uniqueness']:.0f}%" for s in "ab")]
    assert re.search(r"batch_size</th>\s*<td>16</td>\s*<td>1</td>", shown["2"])
    assert "<svg" in shown["2"]
    assert any(tag == "text" and "loss" in said for tag, said in Page(shown["2"]).texts)


def test_the_leaderboard_page_has_every_agent_where_it_ranks(
    arena: Arena, shown: dict[str, str]
) -> None:
    rows = arena.leaderboard()
    named = re.findall(r'<th scope="row" class="name">([\w-]+)</th>', shown["leaderboard"])
    assert named == [row.name for row in rows]
    leagues = re.findall(r'scope="rowgroup"[^>]*>(\w+)<', shown["leaderboard"])
    assert leagues == list(dict.fromkeys(row.league or "Unranked" for row in rows))
    for row in rows:
        assert re.search(rf"<li><strong>{row.name}</strong>: ", shown["leaderboard"])
        if row.missing:
            assert row.missing[1:] in Page(shown["leaderboard"]).text


def test_the_same_match_gives_the_same_bytes_in_another_process(home: Path) -> None:
    commands(home, "battle A B 50")
    texts = []
    for name in ("one.html", "two.html"):
        commands(home, f"report 1 --save {name}")
        texts.append((home.parent / name).read_bytes())
    assert texts[0] == texts[1]
    assert b"metadata" not in texts[0]  # where matplotlib would write the date


def test_hostile_names_and_texts_are_text(tmp_path: Path, home: Path) -> None:
    file = tmp_path / f"{HOSTILE}.txt"
    syllables = ["<b>", "</b>", "&lt;", "\"'", "{{x}}", "\u202e", "<!--", "$a$"]
    lines = [a + b + c for a in syllables for b in syllables for c in syllables]
    file.write_text("\n".join(lines), encoding="utf-8")
    with Arena(home) as arena:
        arena.use_dataset(file)
        arena.create_agent("Eve")
        arena.train(300)
        arena.create_agent("Mal", n_embd=8, n_head=2)
        arena.battle("Eve", "Mal", 30)
        written = [match_page(arena, 1), pages.leaderboard_page(arena)]
    for text in written:
        page = Page(text)
        assert not {"img", "b", "script"} & {tag for tag, _ in page.elements}
        assert "<img src=x onerror=alert(1)>" in page.text
        assert "\u202e" not in text
        assert "<!--" not in text
    samples = [text for tag, text in Page(written[0]).texts if tag == "li"]
    assert any("<b>" in sample for sample in samples)


MISTAKES = [
    ("report 9", r"no match 9; there are 1 \(A, B\)"),
    ("report lederboard", r"'lederboard' is neither .* did you mean 'leaderboard'\?"),
    ("report 1.5", r"'1\.5' is neither 'leaderboard' nor a match; there are 1 \(A, B\)"),
    ("report 99999999999999999999", r"is neither 'leaderboard' nor a match"),
    (
        "report 1 --save nowhere/r.html",
        r"'nowhere/r\.html': its folder does not exist; try --save",
    ),
    ("report 1 --save r.pdf", r"'r\.pdf' must end in \.html or \.htm; try r\.html"),
    ("report 1 --save r", r"'r' must end in \.html or \.htm; try r\.html"),
    ("report 1 --save folder.html", r"'folder\.html': it is a folder"),
    ("report", r"missing WHAT"),
]


def test_what_cannot_be_reported_is_one_line_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.html").mkdir()
    commands(home, "battle A B 5")
    before = sorted(path for path in tmp_path.rglob("*") if "arena" not in path.name)
    typed = [word for line, _ in MISTAKES for word in ("-c", line)]
    done = quick(home, "--keep-going", *typed, cwd=tmp_path)
    assert done.returncode == 1
    said = done.stderr.splitlines()
    for (line, error), answer in zip(MISTAKES, said, strict=True):
        assert re.fullmatch(rf"error: .*{error}.*", answer), line
    assert before == sorted(path for path in tmp_path.rglob("*") if "arena" not in path.name)


def test_reports_go_to_a_folder_that_is_named_and_are_replaced(home: Path, tmp_path: Path) -> None:
    done = quick(home, "-c", "report 1")
    assert (done.returncode, "none is recorded yet, try 'battle A B 100'" in done.stderr) == (
        1,
        True,
    )
    (tmp_path / "r.HTM").write_text("an older report")
    printed = commands(home, "battle A B 5", "report 1", "report 1 --save r.HTM", cwd=tmp_path)
    path = home / "reports" / "match-1.html"
    assert "match-1.html" in printed.replace("\n", "")
    assert path.read_text("utf-8") == (tmp_path / "r.HTM").read_text("utf-8")


def test_a_page_that_cannot_be_written_leaves_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.html"
    path.write_text("older")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(BanditsError, match="no space left on device"):
        pages.save(path, "newer")
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    assert path.read_text() == "older"


def test_a_match_of_before_has_no_picture_and_says_so(home: Path) -> None:
    with Arena(home) as arena:
        arena.battle("A", "B", 5)
        outcome = arena.match(1).outcome
        for side in ("a", "b"):
            del outcome[side]["curve"]
        with arena._desk.store.transaction():
            arena._desk.store.database.execute(
                "UPDATE matches SET outcome = ?, starts = NULL", json.dumps(outcome)
            )
        page = match_page(arena)
        with pytest.raises(UnknownName):
            match_page(arena, 2)
    text = Page(page).text
    assert "<svg" not in page
    assert "match 1 was fought before matches kept their curves" in text
    assert "The agents before the match" not in text


@pytest.mark.parametrize(
    ("reason", "winner", "verdict", "said"),
    [
        ("score", "b", (-60.0, -80.0, -40.0), "B wins by 60 points of score. The 95% confidence "
         "interval of the difference is 40 to 80 points"),
        ("interval", None, (3.0, -9.0, 15.0), "A draw: A and B are 3.0 points apart"),
        ("margin", None, (3.0, 1.0, 5.0), "a win needs 5."),
        ("forfeit", "a", (0.0, 0.0, 0.0), "A wins: B exploded and forfeits."),
        ("both diverged", None, (0.0, 0.0, 0.0), "A draw: both A and B exploded"),
    ],
)  # fmt: skip
def test_every_verdict_is_said_in_words(
    arena: Arena, reason: str, winner: str | None, verdict: tuple[float, ...], said: str
) -> None:
    match = arena.match(1)
    figures: dict[str, Any] = dict(zip(("difference", "low", "high"), verdict, strict=True))
    outcome = {**match.outcome, "reason": reason, "verdict": figures, "winner": winner}
    assert said in verdict_in_words(replace(match, outcome=outcome, winner=winner))


def luminance(colour: str) -> float:
    """The relative luminance of #rrggbb.  Source: WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_are_told_apart_in_the_light_in_the_dark_and_on_paper(
    shown: dict[str, str],
) -> None:
    blocks = re.findall(r":root \{(.*?)\}", shown["1"], re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        for ground in ("paper", "tint"):
            for ink in ("ink", "quiet", "a", "b"):  # 4.5 : 1 is WCAG's AA for text
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        for name, colour in colours.items():  # lines of pictures in the dark: AA for graphics
            if name in {"c-0072b2", "c-e69f00", "c-009e73", "c-cc79a7", "c-d55e00", "c-666666"}:
                assert contrast(colour, colours["paper"]) >= 3.0, name


@pytest.mark.slow
@pytest.mark.parametrize("what", ["2", "4", "leaderboard"])
@pytest.mark.parametrize("width", WIDTHS)
def test_chromium_shows_a_page_without_scrolling_sideways(
    shown: dict[str, str], tmp_path: Path, what: str, width: int
) -> None:
    chromium = browser.chromium()
    if chromium is None:
        pytest.skip("no Chromium on the path; on Debian: apt-get install chromium")
    seen = browser.look(chromium, shown[what], width)
    assert (seen["width"], seen["scroll_width"], seen["wide"]) == (width, width, [])
    assert (seen["asked"], seen["scripts"]) == ([], 0)
    assert min(seen["letters"]) >= 9  # pixels: the picture's smallest writing
    assert seen["right"] <= width  # long names and all
    assert any(name in seen["shown"] for name in ("Ada", LONG[0]))
    assert (seen["ink"], seen["paper"]) == ("rgb(27, 27, 27)", "rgb(255, 255, 255)")
    dark = browser.look(chromium, shown[what], width, dark=True)
    assert (dark["ink"], dark["paper"]) == ("rgb(236, 236, 236)", "rgb(20, 20, 20)")
    picture = tmp_path / "page.png"
    browser.screenshot(chromium, shown[what], picture, width, 1200)
    from PIL import Image

    with Image.open(picture) as image:
        assert image.size == (width, 1200)
        assert len(image.convert("L").getcolors() or []) > 50  # letters and lines, not a blank page


def test_the_wheel_is_told_of_every_package_and_of_the_templates() -> None:
    root = Path(pages.__file__).parents[2]
    setup = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    found = {
        ".".join(p.parent.relative_to(root).parts) for p in root.glob("bandits/**/__init__.py")
    }
    assert set(setup["packages"]) == found
    assert setup["package-data"]["bandits.pages"] == ["templates/*"]
