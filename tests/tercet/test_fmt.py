"""`tercet fmt`: what it changes in a file, and what it leaves alone."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tercet.cli import main

MESSY = "# kept\nmodel M(a=1){input x:f32[N,a]\ny=x|>relu # too\noutput y}\n"


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    path = tmp_path / "messy.model"
    path.write_text(MESSY)
    return path


def test_formats_in_place_once(messy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messy.chmod(0o640)
    assert main(["fmt", "--check", str(messy)]) == 1
    assert messy.read_text() == MESSY
    assert main(["fmt", str(messy)]) == 0
    text = messy.read_text()
    assert text != MESSY
    assert "# kept" in text
    assert "# too" in text
    assert messy.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in messy.parent.iterdir()] == ["messy.model"]
    capsys.readouterr()
    assert main(["fmt", "--check", str(messy)]) == 0
    assert main(["fmt", str(messy)]) == 0
    assert capsys.readouterr().err == ""


def test_a_file_with_errors_is_left_alone_and_the_others_are_not(
    messy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.model"
    bad.write_text("model {")
    assert main(["fmt", str(bad), str(messy)]) == 1
    assert bad.read_text() == "model {"
    assert messy.read_text() != MESSY
    assert "bad.model:1:" in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", str(tmp_path / "none.model")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_a_link_stays_a_link(messy: Path) -> None:
    link = messy.with_name("link.model")
    link.symlink_to(messy)
    assert main(["fmt", str(link)]) == 0
    assert link.is_symlink()
    assert messy.read_text() != MESSY


def test_windows_line_ends_become_plain(messy: Path) -> None:
    messy.write_bytes(MESSY.replace("\n", "\r\n").encode())
    assert main(["fmt", str(messy)]) == 0
    assert b"\r" not in messy.read_bytes()


def test_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MESSY.encode())))
    assert main(["fmt", "-"]) == 0
    assert "model M(a = 1) {" in capsys.readouterr().out


def test_what_new_writes_is_in_the_standard_layout(tmp_path: Path) -> None:
    assert main(["new", str(tmp_path / "net")]) == 0
    assert main(["fmt", "--check", str(tmp_path / "net.model")]) == 0


def test_standard_input_that_is_no_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"# \xff\n")))
    assert main(["fmt", "-"]) == 2
    assert "not UTF-8" in capsys.readouterr().err
