"""Saved models: what is loaded computes what was saved, to the bit, and nothing else is loaded."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import graphdsl
from graphdsl_runtime import Objective, ObjectiveError
from graphdsl_runtime.model_file import CannotLoad
from graphdsl_runtime.saving import CannotSave, read_saved
from graphdsl_runtime.training import DataSet, TrainingSettings, train
from tests.corpus import shipped, some
from tests.emitted import emitted_class, emitted_objectives
from tests.killed import Killed, killed_at
from tests.laws.batches import batch_for
from tests.laws.checkpoints import content, sealed
from tests.test_training.conftest import noisy_copies

SMALL = """model small
const width = 6
param beta = ramp(0, 1, steps = 4)
param w = 1/10 in 0..2
observed x : real[width]
latent z : real[2] ~ normal
q { x -> z via mlp(4) }
p { z -> x via mlp(4) }
minimize CE(x | z) + beta * KL(q(z | x) || p(z)) + w * KL(q(z | x) || p(z))
"""

#: Prints what `measured` gives of every folder that is named.
ELSEWHERE = """
import sys
import graphdsl
from tests.api.test_saving import measured
for folder in sys.argv[1:]:
    print(measured(graphdsl.load(folder)))
"""


def measured(objective: Objective) -> str:
    """The bits of a loss, of its terms, and of the codes of some rows."""
    batch = batch_for(objective)
    torch.manual_seed(3)
    losses = objective.eval()(batch)
    found = [losses.loss, *losses.terms.values()]
    if type(objective).infer is not Objective.infer:
        found += [q.mean for q in objective.infer(batch).values()]
    bits = b"".join(one.detach().double().numpy().tobytes() for one in found)
    return hashlib.sha256(bits).hexdigest()


def small(**parameters: float) -> Objective:
    """An objective of a small spec, with weights and statistics that no other has."""
    torch.manual_seed(0)
    objective = graphdsl.compile(SMALL, width=3).objective(networks=None, **parameters)
    with torch.no_grad():
        for one in objective.parameters():
            one.add_(torch.randn_like(one), alpha=0.1)
    objective.rows = 50
    objective.advance(3)
    return objective.standardise(batch_for(objective)).eval()


def saved(tmp_path: Path) -> Path:
    small().save(tmp_path / "mine")
    return tmp_path / "mine"


def test_a_model_computes_the_same_bits_in_a_process_that_never_saw_its_spec(
    tmp_path: Path,
) -> None:
    expected = []
    for case in some("saving", list(shipped()), share=1):
        torch.manual_seed(1)
        objective = graphdsl.compile(case.text).objective()
        objective.rows = 100
        objective.standardise(batch_for(objective, seed=1))
        objective.save(tmp_path / case.name)
        expected.append((str(tmp_path / case.name), measured(objective)))
    code = [sys.executable, "-c", ELSEWHERE, *(folder for folder, _ in expected)]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        code, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [bits for _, bits in expected]


def test_constants_parameters_ramps_statistics_and_precision_are_kept(tmp_path: Path) -> None:
    objective = small(w=0.3, beta=0.7).double()
    objective.w = 0.4
    objective.save(str(tmp_path / "mine"))
    loaded = graphdsl.load(tmp_path / "mine")
    assert repr(loaded) == repr(objective)
    assert "w = 0.4" in repr(loaded)
    assert "ramp(0.0, 0.7, steps = 4)" in repr(loaded)
    assert loaded.rows == 50
    state, other = objective.state_dict(), loaded.state_dict()
    assert state.keys() == other.keys()
    for name, one in state.items():
        assert one.dtype == other[name].dtype
        assert torch.equal(one, other[name]), name
    assert not loaded.training


def test_loading_draws_nothing_from_the_callers_stream(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    graphdsl.load(folder)
    assert torch.equal(torch.rand(3), expected)


def test_the_constructor_takes_what_a_model_says_of_its_parameters() -> None:
    for _, objective in emitted_objectives(some("settings", list(shipped()), 8)):
        known = signature(type(objective).__init__).parameters.keys() - {"self", "networks"}
        assert objective.settings().keys() == known


def test_a_model_replaces_a_model_and_nothing_else(tmp_path: Path) -> None:
    objective, folder = small(), saved(tmp_path)
    objective.w = 1.5
    objective.save(folder)
    assert graphdsl.load(folder).w == 1.5
    (folder / "notes.txt").write_text("mine")
    before = content(folder)
    with pytest.raises(CannotSave, match=r"holds `notes\.txt`, which is no part of a saved model"):
        objective.save(folder)
    assert content(folder) == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CannotSave, match="is a file"):
        objective.save(tmp_path / "file")
    with pytest.raises(CannotSave, match="does not know its spec"):
        emitted_class(SMALL)().save(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_process_killed_at_any_moment_leaves_one_of_the_two_models(tmp_path: Path) -> None:
    first, second = small(w=0.5), small(w=1.5)
    moment, found, killed = 0, set(), True
    while killed:
        folder = tmp_path / str(moment)
        first.save(folder)
        killed = False
        with killed_at(moment):
            try:
                second.save(folder)
            except Killed:
                killed = True
        found.add((read_saved(folder).parameters or {})["w"])
        moment += 1
    assert moment > 5
    assert found == {0.5, 1.5}


Spoil = Callable[[Path], object]


def with_model(**entries: object) -> Spoil:
    """Write entries of `model.json` anew, with hashes that are right."""

    def spoil(folder: Path) -> None:
        model = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps(model | entries))
        sealed(folder)

    return spoil


def with_file(name: str, change: Callable[[bytes], bytes], *, seal: bool = True) -> Spoil:
    """Change the bytes of a file."""

    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))
        if seal:
            sealed(folder)

    return spoil


class Bomb:
    """What leaves a file behind wherever it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("exploded"),))


def pickled(_: bytes) -> bytes:
    return pickle.dumps(Bomb())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (with_model(format="graphdsl.model/9"), "not of the form graphdsl.model/1, but of"),
        (with_model(emitted_format=2), "emitted format 2, and this version of graphdsl emits 1"),
        (with_model(spec_sha256="0" * 64), f"another spec.\n  hash in the folder: {'0' * 64}"),
        (with_model(spec_sha256=4), "`spec_sha256` in `model.json` is no text"),
        (with_model(constants={"width": "4"}), "is float32 of shape"),
        (with_model(constants=[1]), "`constants` in `model.json` is no object"),
        (with_model(parameters={"v": 1.0}), "there is no parameter `v`"),
        (with_model(parameters={"w": 5.0}), "w = 5.0 is outside its range"),
        (with_model(parameters={"w": "1"}), "the parameter 'w' is no number"),
        (with_model(networks={"p(x|z)": "mine:Trunk"}), "networks={...}: `p(x|z)` (mine:Trunk)"),
        (with_model(module=["Other()"]), "saved: Other()\n  made:  Small("),
        (with_model(module=3), "does not say which module"),
        (with_file("model.json", lambda _: b"[" * 10**5), "`model.json` is no JSON"),
        (with_file("model.json", lambda b: b[:-5], seal=False), "`model.json` is damaged"),
        (with_file("weights.safetensors", lambda b: b[:-1]), "is no whole safetensors file"),
        (with_file("weights.safetensors", lambda b: b[:-1], seal=False), "is damaged"),
        (with_file("weights.safetensors", pickled), "is no whole safetensors file"),
        (with_file("model.json", pickled), "`model.json` is no JSON"),
        (with_file("spec.mib", pickled), "`spec.mib` is no text in UTF-8"),
        (with_file("spec.mib", lambda b: b + b"#", seal=False), "`spec.mib` is damaged"),
        (with_file("spec.mib", lambda b: b + b"# more\n"), "another spec"),
        (lambda one: (one / "SHA256SUMS").unlink(), "`SHA256SUMS` cannot be read: no such file"),
        (lambda one: (one / "weights.safetensors").unlink(), "`weights.safetensors` cannot be"),
        (lambda one: (one / "model.json").unlink(), "it is no saved model, and no run"),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_whole_or_not_ours_is_refused_in_one_message(
    spoil: Spoil, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = saved(tmp_path)
    spoil(folder)
    with pytest.raises(CannotLoad) as problem:
        graphdsl.load(folder)
    assert said in str(problem.value)
    assert not Path("exploded").exists()


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    """Whichever byte of a file is another, and wherever a file ends."""
    folder = saved(tmp_path)
    whole = content(folder)
    for name, bytes_of in whole.items():
        for place in range(0, len(bytes_of), max(1, len(bytes_of) // 12)):
            changed = bytearray(bytes_of)
            changed[place] ^= 1
            for damaged in (bytes(changed), bytes_of[:place]):
                (folder / name).write_bytes(damaged)
                with pytest.raises(CannotLoad):
                    read_saved(folder)
        (folder / name).write_bytes(bytes_of)
    read_saved(folder)


def test_no_folder_is_a_sentence_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name, said in (("absent", "no such folder"), ("file", "it is a file")):
        with pytest.raises(CannotLoad, match=said):
            graphdsl.load(tmp_path / name)


ODD: tuple[object, ...] = (
    None, True, 0, -1, 1e308, 10**400, "x", "", [], {}, [1], [[]], ["a"] * 3, {"a": 1}, {"a": None},
    "\x1b[31m", "\ud800", {"w": -5}, {"w": 1e299}, {"beta": True}, {"width": "1e99"},
    {"width": "1000000000"}, {"width": "x"}, {"x": "y"}, 1.5,
)  # fmt: skip


def test_whatever_a_model_says_of_itself_it_is_loaded_as_it_was_or_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    model = json.loads((folder / "model.json").read_text())
    expected = measured(graphdsl.load(folder))
    cases = [(key, value) for key in (*model, "data", "other") for value in ODD]
    for key, value in some("odd models", cases, 15):
        (folder / "model.json").write_text(json.dumps({**model, key: value}))
        sealed(folder)
        loaded, said = None, "cannot be loaded"
        try:
            loaded = graphdsl.load(folder)
        except CannotLoad as problem:
            said = str(problem)
        assert said.count("cannot be loaded") == 1
        assert "\x1b" not in said
        assert loaded is None or measured(loaded) == expected, (key, value)


def test_a_spec_of_huge_networks_asks_for_no_memory(tmp_path: Path) -> None:
    """They are held against the weights before they are built: these would be terabytes."""
    for one, other in (("mlp(4)", "mlp(1000000, 1000000)"), ("width = 6", "width = 1000000000")):
        folder = saved(tmp_path)
        text = SMALL.replace(one, other)
        (folder / "spec.mib").write_text(text)
        with_model(spec_sha256=graphdsl.Source("", text).sha256, constants={"width": "3"})(folder)
        if one.startswith("width"):
            with_model(constants={})(folder)
        with pytest.raises(CannotLoad, match=r"expected float32 of shape|lack `"):
            graphdsl.load(folder)
        shutil.rmtree(folder)


class Trunk(nn.Module):
    """A network of the user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 3)

    def forward(self, z: Tensor) -> Tensor:
        line: Tensor = self.line(z)
        return line


def test_networks_of_ones_own_are_asked_for_by_their_classes(tmp_path: Path) -> None:
    text = SMALL.replace("z -> x via mlp(4)", "z -> x via trunk")
    networks = {"p(x|z)": Trunk()}
    objective = graphdsl.compile(text, width=3).objective(networks=networks)
    objective.save(tmp_path / "mine")
    with pytest.raises(CannotLoad, match=r"`p\(x\|z\)` \(.*test_saving:Trunk\)"):
        graphdsl.load(tmp_path / "mine")
    loaded = graphdsl.load(tmp_path / "mine", networks={"p(x|z)": Trunk()})
    assert measured(loaded) == measured(objective)


VIEWS = """model views
const width = 6
observed x[1..2] : binary[width]
latent z : real[2] ~ normal
q { x[1], x[2] -> z by poe via mlp(4) }
p { z -> x[i] via mlp(4) for i in 1..2 }
minimize KL(q || p)
"""


def trained(folder: Path, epochs: int = 2) -> Objective:
    """A run on a few rows."""
    generator = torch.Generator().manual_seed(0)
    rows, labels = noisy_copies(40, generator)
    from graphdsl_runtime.training import Layout

    layout = Layout(rows=2, columns=3)
    data = DataSet(
        name="tiny", train=rows, test=rows, train_labels=labels, test_labels=labels, layout=layout
    )
    torch.manual_seed(0)
    made = graphdsl.compile(VIEWS, width=6).objective
    objective = made()
    settings = TrainingSettings(epochs=epochs, batch_size=20, learning_rate=0.02, device="cpu")
    train(
        objective, data, settings, out=folder, quiet=True,
        spec=VIEWS, spec_hash=graphdsl.Source("", VIEWS).sha256,
    )  # fmt: skip
    return objective


def test_of_a_run_the_best_epoch_is_loaded_or_the_one_that_is_asked_for(tmp_path: Path) -> None:
    run = tmp_path / "run"
    last, first = trained(run), trained(tmp_path / "other", epochs=1)
    assert measured(last) != measured(first)
    shutil.rmtree(run / "best")
    assert measured(graphdsl.load(run)) == measured(last)
    shutil.copytree(tmp_path / "other" / "last", run / "best")
    assert measured(graphdsl.load(run)) == measured(first)
    assert measured(graphdsl.load(run / "best")) == measured(first)
    assert measured(graphdsl.load(run, checkpoint="last")) == measured(last)
    assert measured(graphdsl.load(run / "last")) == measured(last)


def test_runs_of_older_versions_are_loaded(tmp_path: Path) -> None:
    """One that has the values in `run.toml` alone, and one whose checkpoint is a file."""
    from graphdsl_runtime.training.checkpoint import Checkpoint

    run = tmp_path / "run"
    objective = trained(run)
    digest = graphdsl.Source("", VIEWS).sha256
    (run / "run.toml").write_text(
        f'[run]\nspec_sha256 = "{digest}"\n[constants]\nwidth = "6"\n[parameters]\n'
    )
    entries = json.loads((run / "last" / "model.json").read_text())
    kept = {"format", "module", "spec_sha256", "torch"}
    model = {name: one for name, one in entries.items() if name in kept}
    (run / "last" / "model.json").write_text(json.dumps(model))
    sealed(run / "last")
    expected = measured(objective)
    assert measured(graphdsl.load(run, checkpoint="last")) == expected
    checkpoint = Checkpoint.load(run / "last")
    weights = {
        name: one
        for name, one in checkpoint.weights.items()
        if not name.startswith(("run.", "weights."))
    }
    file = {
        "format": "graphdsl.checkpoint/1", "weights": weights, "optimizers": {},
        "history": older_history(checkpoint), "module": checkpoint.module, "spec_hash": digest,
    }  # fmt: skip
    old = tmp_path / "older"
    old.mkdir()
    torch.save(file, old / "last.ckpt")
    (old / "run.toml").write_bytes((run / "run.toml").read_bytes())
    with pytest.raises(ObjectiveError, match=r"does not hold its spec.*spec=\.\.\."):
        graphdsl.load(old)
    assert measured(graphdsl.load(old, spec=VIEWS)) == expected
    torch.save(Bomb(), old / "last.ckpt")
    with pytest.raises(CannotLoad, match="is not a checkpoint, or not a whole one"):
        graphdsl.load(old, spec=VIEWS)


def older_history(checkpoint: object) -> list[dict[str, object]]:
    history = checkpoint.history  # type: ignore[attr-defined]
    return [
        {"number": one.number, "train": dict(one.train), "held_out": dict(one.held_out)}
        for one in history
    ]
