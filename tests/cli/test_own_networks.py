"""`--networks MODULE:FUNCTION`: a command line trains, saves and loads networks of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import graphdsl
from tests.command_line import run

SPEC = """model own
observed x : real[3]
latent z : real[2] ~ normal
q { x -> z via trunk }
p { z -> x via mlp(4) }
minimize KL(q || p)
"""
NETS = """from torch import nn

def make():
    return {"q(z|x)": nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))}

def wider():
    return {"q(z|x)": nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 4))}

def unknown():
    return {**make(), "q(z|y)": nn.Linear(3, 4)}

def short():
    return {"q(z|x)": nn.Linear(3, 3)}

def numbers():
    return {"q(z|x)": 3}

def nothing():
    return None

def broken():
    raise KeyError("weights")
"""
ROWS = np.random.RandomState(0).normal(size=(20, 3)).astype(np.float32)


@pytest.fixture
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.mib").write_text(SPEC)
    Path("own_nets.py").write_text(NETS)
    np.savez("rows.npz", x=ROWS)


TRAIN = ("train", "own.mib", "--data", "rows.npz", "--epochs", 1, "--quiet", "-o", "run")
ENCODE = ("encode", "run", "--data", "rows.npz", "-o", "z.npz")


@pytest.mark.usefixtures("_in_a_folder")
def test_own_networks_go_from_training_to_codes() -> None:
    """The codes are those of the weights that were trained; without the code nothing is loaded."""
    ended = run(*TRAIN, "--networks", "own_nets:make")
    assert ended.code == 0, ended.err
    assert 'networks = "own_nets:make"' in Path("run/run.toml").read_text()
    assert run(*ENCODE, "--networks", "own_nets:make").code == 0
    network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 4))
    objective = graphdsl.load("run", networks={"q(z|x)": network})
    expected = objective.infer({"x": torch.from_numpy(ROWS)})["z"].mean
    np.testing.assert_allclose(np.load("z.npz")["z.mean"], expected.numpy(), rtol=1e-5)
    Path("z.npz").unlink()
    ended = run(*ENCODE)
    assert ended.code == 1
    assert "networks={...}: `q(z|x)` (torch.nn" in ended.err
    assert "--networks MODULE:FUNCTION" in ended.err
    ended = run(*ENCODE, "--networks", "own_nets:wider")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert not Path("z.npz").exists()
    again = (*TRAIN[:4], "--epochs", 2, "--quiet", "--resume", "run")
    assert run(*again, "--networks", "own_nets:make").code == 0
    assert len(Path("run/metrics.csv").read_text().splitlines()) == 3


@pytest.mark.usefixtures("_in_a_folder")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        (None, '--networks nets:make: def make(): return {"q(z|x)": trunk}'),
        ("own_nets.py", "names no function: write MODULE:FUNCTION"),
        ("own_nets:absent", "raised AttributeError"),
        ("no_such_nets:make", "raised ModuleNotFoundError"),
        ("own_nets:broken", "raised KeyError: 'weights'"),
        ("own_nets:nothing", "returned NoneType; expected a dict"),
        ("own_nets:numbers", "returned int under 'q(z|x)'; expected a dict"),
        ("own_nets:unknown", "no network `q(z|y)`"),
        ("own_nets:short", "q(z|x)"),
    ],
)
def test_networks_that_do_not_fit_are_refused_in_a_line(name: str | None, said: str) -> None:
    ended = run(*TRAIN, *(("--networks", name) if name else ()))
    assert ended.code == 1
    assert said in " ".join(ended.err.split())
    assert "Traceback" not in ended.err
    assert "a bug of ours" not in ended.err
    assert not Path("run").exists()


@pytest.mark.usefixtures("_in_a_folder")
def test_networks_that_a_model_was_not_trained_with_are_refused() -> None:
    Path("own.mib").write_text(SPEC.replace("via trunk", "via mlp(4)"))
    assert run(*TRAIN).code == 0
    ended = run(*ENCODE, "--networks", "own_nets:make")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert not Path("z.npz").exists()
