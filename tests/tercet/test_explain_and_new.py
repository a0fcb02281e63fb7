"""`tercet explain` and `tercet new`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tercet.cli import main

ROOT = Path(__file__).parents[2]


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "e0101"]) == 0
    assert "E0101" in capsys.readouterr().out
    assert main(["explain"]) == 0
    assert "E0101  " in capsys.readouterr().out
    assert main(["explain", "E9999"]) == 2
    assert "there is no error code 'E9999'" in capsys.readouterr().err


def test_new_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my-first_net"]) == 0
    text = Path("my-first_net.model").read_text()
    assert "model MyFirstNet(" in text
    assert "train MyFirstNet {" in text
    Path("my-first_net.model").write_text("mine")
    assert main(["new", "my-first_net.model"]) == 2
    assert "exists and is not overwritten" in capsys.readouterr().err
    assert Path("my-first_net.model").read_text() == "mine"


@pytest.mark.parametrize("name", ["/", "..", ".", "", "net.py"])
def test_new_with_a_bad_name(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", name]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stem, name", [("net", "Net"), ("3d-unet", "Model3dUnet"), ("é", "Model")])
def test_model_names(stem: str, name: str) -> None:
    from tercet.cli.new import model_name

    assert model_name(stem) == name


def test_what_new_writes_has_no_errors(tmp_path: Path) -> None:
    from tercet.dsl.parser import parse, read_source

    assert main(["new", str(tmp_path / "net")]) == 0
    assert parse(read_source(tmp_path / "net.model")).diagnostics == ()
