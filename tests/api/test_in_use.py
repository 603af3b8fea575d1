"""A trained model at work: rows have their codes and scores whatever other rows there are."""

from __future__ import annotations

import csv
import io
import json
import math
import pickle
from collections.abc import Iterator, Sequence
from itertools import chain, product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import graphdsl
from graphdsl.api.evaluation import evaluate
from graphdsl.api.likelihood import NoLikelihood, _same, bound_of_rows, likelihood_of
from graphdsl.api.probing import probe
from graphdsl_runtime import Objective, ObjectiveError, OutOfRange
from graphdsl_runtime.in_use import (
    RowTerms,
    encode,
    mean_terms,
    read_by_infer,
    reconstruct,
    row_terms,
    sample,
    translate,
)
from graphdsl_runtime.in_use.blocks import pieces
from graphdsl_runtime.in_use.codes import generated as generated_by
from graphdsl_runtime.in_use.tables import columns_of
from tests.command_line import Ended, run
from tests.corpus import generated, shipped, some
from tests.emitted import emitted_class, emitted_objectives
from tests.laws.batches import batch_for

#: Terms that compare the rows of a batch, by spec: each other term of the specs is of rows.
OF_BATCHES = {
    "aae": {"divergence_z"},
    "ali": {"divergence_z_x"},
    "beta_tcvae": {"total_correlation_u"},
    "factor_vae": {"total_correlation_u"},
    "fair_mine": {"information_z_u"},
    "fair_mmd": {"information_z_u"},
    "fair_tc": {"information_z_u"},
    "ffvae": {"total_correlation_b", "total_correlation_b_2"},
    "gan": {"divergence_x"},
    "hfvae": {"total_correlation_u", "total_correlation_u_2", "total_correlation_u_3"},
    "infogan": {"divergence_x"},
    "infomax_vae": {"information_z_x"},
    "infovae": {"divergence_z"},
    "group_dro": {"penalty_y"},
    "irm": {"penalty_y"},
    "vfae": {"information_z_s"},
    "vrex": {"penalty_y"},
    "wae_mmd": {"divergence_z"},
}


def objectives(law: str, share: int) -> Iterator[tuple[str, Objective]]:
    """Some of the shipped specs, or all under FUZZ."""
    for case, objective in emitted_objectives(some(law, list(shipped()), share)):
        objective.rows = 100
        yield case.name, objective.eval()


def first(batch: dict[str, Tensor], rows: int) -> dict[str, Tensor]:
    return {name: one[:rows] for name, one in batch.items()}


def hold_codes(name: str, objective: Objective) -> None:
    """Rows have their codes whatever rows are beside them."""
    batch = batch_for(objective, rows=70)
    if not read_by_infer(objective):
        with pytest.raises(ObjectiveError, match="it has no codes"):
            encode(objective, batch)
        return
    whole = encode(objective, batch, seed=4)
    parts = encode(objective, batch, batch_size=33, seed=4)
    fewer = encode(objective, first(batch, 41), seed=4)
    for other in (parts, fewer):
        for latent, code in other.items():
            count = len(code.mean)
            torch.testing.assert_close(code.mean, whole[latent].mean[:count], msg=name)
            torch.testing.assert_close(code.sample, whole[latent].sample[:count], msg=name)


def hold_scores(name: str, objective: Objective) -> RowTerms:
    """Terms of rows have the means of the loss's, and are those of the loss of a row alone."""
    batch = batch_for(objective, rows=32)
    found, means = row_terms(objective, batch, seed=2), mean_terms(objective, batch, seed=2)
    (piece,) = pieces(objective, batch, 32, seed=2)
    for term, rows in found.terms.items():
        assert rows.shape == (32,)
        assert rows.double().mean().item() == pytest.approx(means[term], rel=1e-3, abs=1e-3), name
    for row in (0, 17):
        here = slice(row, row + 1)
        noise = {key: one[here] if len(one) == 32 else one for key, one in piece.noise.items()}
        try:
            alone = objective({key: one[here] for key, one in piece.batch.items()}, noise)
        except OutOfRange:
            assert found.of_batches  # a total correlation wants two rows
            continue
        for term, rows in found.terms.items():
            single = alone.loss if term == "loss" else alone.terms[term]
            assert rows[row].item() == pytest.approx(single.item(), rel=1e-3, abs=1e-3), term
    return found


def test_a_row_has_its_codes_whatever_rows_are_beside_it() -> None:
    for name, objective in objectives("codes", share=4):
        hold_codes(name, objective)


def test_the_terms_of_a_row_are_those_of_the_loss_of_that_row_alone() -> None:
    """And what compares rows is told apart, however little of the loss it is."""
    small_terms = (one for one in shipped() if one.name in ("aae", "beta_tcvae", "infogan"))
    always = ((case.name, one) for case, one in emitted_objectives(small_terms))
    for name, objective in chain(always, objectives("scores", share=3)):
        objective.rows = 100
        found = hold_scores(name, objective)
        apart = OF_BATCHES.get(name, set())
        weights = {one for one in found.of_batches if one.startswith("sparsity")}
        assert set(found.of_batches) == apart | weights | ({"loss"} if apart else set()), name


EXPERTS = """model experts
observed x[1..2] : real[2]
latent   z[1..2] : real[2] ~ normal
q { x -> z[j]  by mixture for j in 1..2 }
p { z -> x[i]  for i in 1..2 }
minimize KL(q || p) + KL(q(z[1] | x) || p(z[1]))
"""
EDGES = """model edges
observed x[1..2] : real[2]
latent   z : real[2] ~ normal
mask     M[1..2] : learned bernoulli(0.5, disarm)
q { x[i] -> z if M[i] by poe for i in 1..2 }
p { z -> x[i] if M[i] for i in 1..2 }
minimize KL(q || p)
"""


def test_experts_that_are_drawn_and_edges_that_all_rows_share_are_no_exception() -> None:
    for text in (EXPERTS, EDGES):
        torch.manual_seed(0)
        objective = graphdsl.compile(text).objective().eval()
        hold_codes(text, objective)
        assert "loss" in hold_scores(text, objective).terms
    assert bound_of_rows(objective, batch_for(objective, rows=5), 3).shape == (5,)


def test_generated_specs_hold_them_too() -> None:
    for case, objective in emitted_objectives(generated("in use", 6)):
        objective.rows = 100
        if batch_for(objective):
            hold_codes(str(case), objective.eval())
            hold_scores(str(case), objective)


def small() -> Objective:
    """A model whose two views are of other kinds."""
    torch.manual_seed(0)
    text = """model small
    observed x : binary[3]
    observed n : count[2]
    latent z : real[2] ~ normal
    q { x, n -> z via mlp(4) }
    p { z -> x, n via mlp(4) }
    minimize KL(q || p)
    """
    return graphdsl.compile(text.replace("z -> x, n", "z -> x via mlp(4)\nz -> n")).objective()


def test_no_result_depends_on_how_many_rows_there_are_at_once() -> None:
    """Of more rows than have their noise drawn together."""
    objective = small()
    batch = batch_for(objective, rows=1100)
    for work in (encode, reconstruct):
        whole, parts = work(objective, batch), work(objective, batch, batch_size=70)
        fewer = work(objective, first(batch, 1050))
        for name, one in whole.items():
            torch.testing.assert_close(one.mean, parts[name].mean)
            assert torch.equal(one.sample, parts[name].sample)
            assert torch.equal(one.sample[:1050], fewer[name].sample)
    whole, fewer = sample(objective, 1100), sample(objective, 1050, batch_size=64)
    assert torch.equal(whole["n"].sample[:1050], fewer["n"].sample)
    assert torch.equal(whole["z"].sample[:1050], fewer["z"].sample)
    other = sample(objective, 1100, seed=1)
    assert not torch.equal(whole["z"].sample, other["z"].sample)
    assert len(set(map(tuple, whole["z"].sample.tolist()))) == 1100  # no block repeats another


def test_the_callers_stream_of_random_numbers_is_left_alone() -> None:
    objective = small()
    batch = batch_for(objective)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    encode(objective, batch)
    sample(objective, 3)
    reconstruct(objective, batch)
    row_terms(objective, batch)
    likelihood_of(objective, 2)
    assert torch.equal(torch.rand(3), expected)


def test_samples_of_codes_are_of_the_posterior_and_of_data_of_the_likelihood() -> None:
    objective = small()
    batch = {name: one[:1].repeat(4000, 1) for name, one in batch_for(objective).items()}
    (posterior,) = objective.infer(first(batch, 1)).values()
    code = encode(objective, batch)["z"]
    error = 4 / math.sqrt(4000)
    assert torch.equal(code.mean, posterior.mean.expand(4000, 2))
    spread = (0.5 * posterior.log_var).exp()  # type: ignore[union-attr]
    assert ((code.sample.mean(0) - posterior.mean[0]).abs() < error * spread).all()
    assert ((code.sample.std(0) / spread - 1).abs() < error).all()
    again = sample(objective, 4000)
    for name, drawn in again.items():
        if name != "z":
            assert ((drawn.sample - drawn.mean).mean(0).abs() < 2 * error).all()


def test_scores_are_the_same_in_any_batches_and_of_a_single_row() -> None:
    objective = small()
    batch = batch_for(objective, rows=70)
    whole = row_terms(objective, batch).terms
    assert list(whole) == ["loss", "reconstruction_x", "reconstruction_n", "rate_z"]
    for other in (row_terms(objective, batch, batch_size=1), row_terms(objective, first(batch, 1))):
        for name, rows in other.terms.items():
            torch.testing.assert_close(rows, whole[name][: len(rows)])


def test_a_term_that_compares_rows_is_measured_where_one_row_is_left_at_the_end() -> None:
    objective = graphdsl.compile("beta_tcvae", pixels=4).objective().eval()
    objective.rows = 100
    batch = batch_for(objective, rows=33)
    found = mean_terms(objective, batch, batch_size=32)
    assert found == pytest.approx(mean_terms(objective, batch, batch_size=33), rel=1e-5)
    assert list(row_terms(objective, batch, batch_size=32).terms) == ["reconstruction_x", "rate_u"]


def test_scoring_leaves_a_moving_average_as_training_left_it() -> None:
    """That of a network of one's own, in a module that is still in training."""
    text = DISCRETE.replace("x -> z via mlp(4)", "x -> z via trunk")
    trunk = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 3))
    objective = graphdsl.compile(text).objective(networks={"q(z|x)": trunk}).train()
    batch = batch_for(objective)
    before = {name: one.clone() for name, one in objective.state_dict().items()}
    found = row_terms(objective, batch)
    assert found.of_batches  # rows are normalised by each other
    mean_terms(objective, batch)
    after = objective.state_dict()
    assert all(torch.equal(one, after[name]) for name, one in before.items())


DISCRETE = """model discrete
param beta = 3
observed x : binary[2]
latent z : categorical(3) ~ categorical
q { x -> z via mlp(4) }
p { z -> x via mlp(4) }
minimize CE(x | z) + beta * KL(q(z | x) || p(z))
assert I(x; z) >= 0
"""


def test_importance_weights_bound_the_likelihood_and_reach_it() -> None:
    """Of a latent of three classes, whose sum is known, in a model trained on something else."""
    torch.manual_seed(0)
    objective = graphdsl.compile(DISCRETE).objective()
    rows = torch.tensor(list(product((0.0, 1.0), repeat=2)))
    p = objective.decode({"z": torch.eye(3)})["x"]
    log_joint = torch.stack([p.log_prob(row).sum(-1) for row in rows]) - math.log(3)
    exact = -torch.logsumexp(log_joint, dim=1)
    assert exact.neg().exp().sum().item() == pytest.approx(1.0, rel=1e-5)
    several = bound_of_rows(objective, {"x": rows}, 4000)
    torch.testing.assert_close(several, exact.detach(), rtol=0.01, atol=0.01)
    many = rows.repeat(2000, 1)
    one = bound_of_rows(objective, {"x": many}, 1).reshape(2000, 4)
    error = one.std(0) / math.sqrt(2000)
    assert (one.mean(0) > exact - 4 * error).all()
    assert (one.mean(0) > exact + 0.5 * (one.mean(0) - several).clamp(min=0)).all()


def test_the_bound_reads_the_networks_that_were_trained_or_is_refused() -> None:
    objective = graphdsl.compile(DISCRETE).objective()
    before = bound_of_rows(objective, {"x": torch.zeros(1, 2)}, 8)
    with torch.no_grad():
        for one in objective.p_x.parameters():  # type: ignore[union-attr]  # a network
            one.add_(1.0)
    assert not torch.equal(before, bound_of_rows(objective, {"x": torch.zeros(1, 2)}, 8))
    with pytest.raises(NoLikelihood, match="no inference network"):
        likelihood_of(graphdsl.compile("gan").objective(), 4)
    with pytest.raises(NoLikelihood, match="does not know its spec"):
        likelihood_of(emitted_class(DISCRETE)(), 4)
    with pytest.raises(NoLikelihood, match="rows that know `y` are bounded"):
        likelihood_of(graphdsl.compile("m2").objective(), 4)


def test_a_network_that_is_built_otherwise_is_not_the_models() -> None:
    own = {"q_z": "self.network('q(z|x)', lambda: mlp([(2,)], (4,), 3))"}
    assert _same("q_z", own["q_z"], own) == "q_z"
    assert _same("q_z_2", own["q_z"], own) == "q_z"
    assert _same("q_z", own["q_z"].replace("(4,)", "(5,)"), own) is None
    assert _same("q_z_2", own["q_z"], {**own, "other": own["q_z"]}) is None


def test_active_units_are_those_whose_means_move() -> None:
    torch.manual_seed(0)
    objective = graphdsl.compile("vae", pixels=4).objective().eval()
    with torch.no_grad():
        *_, last = (one for one in objective.q_u.modules() if isinstance(one, torch.nn.Linear))  # type: ignore[union-attr]  # a network
        last.weight[:16] = 0.0
        last.weight[:3] = 5.0
    found = evaluate(objective, batch_for(objective, rows=50), samples=3)
    assert found.active == {"u": (3, 16)}
    assert found.bound is not None
    assert found.bound <= found.terms["loss"] + 3 * found.bound_error + 1
    assert json.loads(json.dumps(found.to_dict()))["rows"] == 50


def test_what_is_sampled_is_data_of_the_model() -> None:
    """Of its shapes and values: the objective itself reads it; so it does what p is given."""
    several = """model several
    observed x : binary[3]
    given s : categorical(2)
    latent z : real[2] ~ normal
    q { x, s -> z via mlp(4) }
    p { z, s -> x via mlp(4) }
    minimize KL(q || p) with iwae(k = 3)
    """
    own = ("several", graphdsl.compile(several).objective())
    for name, objective in chain([own], objectives("samples", share=4)):
        batch = batch_for(objective, rows=40)
        made = generated_by(objective)
        given = {
            key: one
            for key, one in batch.items()
            if key not in made and not key.startswith("seen(")
        }
        drawn = sample(objective, 40, given)
        assert drawn.keys() >= set(made), name
        data = {**given, **{key: drawn[key].sample for key in made}}
        objective.check(data)
        assert all(len(one) == 40 for one in data.values())
        means = objective.generate(40, given)
        assert {key: one.shape for key, one in means.items()} == {
            key: drawn[key].mean.shape for key in made
        }


def test_translations_are_those_of_the_module() -> None:
    objective = graphdsl.compile("jmvae").objective().eval()
    batch = batch_for(objective, rows=40)
    given = {"x[1]": batch["x"][:, 0]}
    found = translate(objective, given, ["x[2]"], batch_size=7)
    torch.testing.assert_close(found["x[2]"], objective.translate(given, ["x[2]"])["x[2]"])


def test_columns_have_the_names_of_members_and_components() -> None:
    objective = graphdsl.compile("jmvae", pixels=2).objective()
    values = torch.arange(12.0).reshape(3, 2, 2)
    found = dict(columns_of({"x.mean": values}, objective.variables))
    for place, member in enumerate(("x[1]", "x[2]")):
        for component in range(2):
            column = found[f"{member}.mean_{component}"]
            assert torch.equal(column, values[:, place, component])


# ---- the command line ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a saved model, `mine`, and its data, `rows.npz`."""
    monkeypatch.chdir(tmp_path)
    objective = small()
    objective.save("mine")
    batch = batch_for(objective, rows=40)
    np.savez("rows.npz", **{name: one.numpy() for name, one in batch.items()})  # type: ignore[arg-type]  # arrays by name
    return tmp_path


def used(*words: object) -> Ended:
    ended = run(*words)
    assert "Traceback" not in ended.err
    return ended


def table(text: str) -> dict[str, list[float]]:
    names, *rows = csv.reader(io.StringIO(text))
    return {name: [float(row[place]) for row in rows] for place, name in enumerate(names)}


def test_the_commands_write_what_the_functions_give(folder: Path) -> None:
    objective = graphdsl.load("mine")
    batch = batch_for(objective, rows=40)
    assert used("encode", "mine", "--data", "rows.npz", "-o", "z.npz", "--seed", 3).code == 0
    code, written = encode(objective, batch, seed=3)["z"], np.load("z.npz")
    assert np.array_equal(written["z.mean"], code.mean.numpy())
    assert np.array_equal(written["z.sample"], code.sample.numpy())
    ended = used("encode", "mine", "--data", "rows.npz", "-o", "-", "--batch-size", 9, "--seed", 3)
    columns = table(ended.out)
    assert list(columns) == ["z.mean_0", "z.mean_1", "z.sample_0", "z.sample_1"]
    assert columns["z.sample_1"] == pytest.approx(code.sample[:, 1].tolist(), rel=1e-5)
    columns = table(used("sample", "mine", "-n", 5, "-o", "-").out)
    assert columns["n.sample_1"] == sample(objective, 5)["n"].sample[:, 1].tolist()
    columns = table(used("reconstruct", "mine", "--data", "rows.npz", "-o", "-").out)
    assert columns["x.mean_2"] == pytest.approx(
        reconstruct(objective, batch)["x"].mean[:, 2].tolist(), rel=1e-5
    )
    columns = table(used("score", "mine", "--data", "rows.npz", "-o", "-").out)
    expected = row_terms(objective, batch).terms
    assert columns["loss"] == pytest.approx(expected["loss"].tolist(), rel=1e-5)
    words = ("score", "mine", "--data", "rows.npz", "--samples", 3, "-o", "-")
    columns = table(used(*words).out)
    assert columns["importance"] == pytest.approx(bound_of_rows(objective, batch, 3).tolist())
    assert used("evaluate", "mine", "--data", "rows.npz", "-o", "e.json").code == 0
    figures = json.loads(Path("e.json").read_text())
    assert figures["nats_per_row"] == pytest.approx(mean_terms(objective, batch))
    columns = table(
        used("translate", "mine", "--data", "rows.npz", "--from", "x", "--to", "n", "-o", "-").out
    )
    assert list(columns) == ["n.mean_0", "n.mean_1"]


def test_a_view_that_a_file_lacks_is_unseen_where_rows_may_lack_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is refused where they may not, unless it is the one to be predicted."""
    monkeypatch.chdir(tmp_path)
    for name in ("mvae", "jmvae"):
        graphdsl.compile(name, pixels=4).objective().save(name)
    view = torch.randint(2, (9, 4)).float()
    np.savez("one.npz", **{"x[1]": view.numpy()})  # type: ignore[arg-type]  # arrays by name
    assert used("encode", "mvae", "--data", "one.npz", "-o", "z.npz").code == 0
    expected = graphdsl.load("mvae").infer({"x[1]": view})["z"].mean
    np.testing.assert_allclose(np.load("z.npz")["z.mean"], expected.numpy(), atol=1e-6)
    ended = used("encode", "jmvae", "--data", "one.npz", "-o", "-")
    assert ended.code == 1
    assert "DATA03  x[2]: one.npz has no column of this name" in ended.err
    for name in ("mvae", "jmvae"):
        words = ("translate", name, "--data", "one.npz", "--from", "x[1]", "--to", "x[2]")
        assert used(*words, "-o", "t.npz").code == 0
        expected = graphdsl.load(name).translate({"x[1]": view}, ["x[2]"])["x[2]"]
        np.testing.assert_allclose(np.load("t.npz")["x[2].mean"], expected.numpy(), atol=1e-6)


class Bomb:
    """What leaves a file behind wherever it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("encode mine --data none.npz -o z.npz", 1, "DATA01 none.npz: there is no such file"),
        ("encode mine --data bomb.npz -o z.npz", 1, "DATA01 bomb.npz"),
        ("encode mine --data objects.npz -o z.npz", 1, "DATA"),
        ("encode mine --data part.npz -o z.npz", 1, "DATA03 n: part.npz has no column"),
        ("encode mine --data other.npz -o z.npz", 1, "DATA03 x: other.npz has no column"),
        ("encode mine --data wide.npz -o z.npz", 1, "DATA06 x"),
        ("score mine --data grey.npz -o z.npz", 1, "DATA07 x"),
        ("encode mine --data holes.npz -o z.npz", 1, "DATA09 n: lacks values in 1 of 40 rows"),
        ("encode mine --data digits -o z.npz", 1, "DATA03 n"),
        ("encode none --data rows.npz -o z.npz", 1, "there is no such folder"),
        ("encode mine --data rows.npz -o z.txt", 2, "ends with none of .npz, .csv, .parquet"),
        ("encode mine --data rows.npz -o z.npz --rows train", 1, "DATA12 rows.npz: is not split"),
        ("sample mine -o z.npz", 2, "say how many rows: -n 100"),
        ("sample mine -n 4 --data rows.npz -o z.npz", 2, "conditions on no data"),
        ("translate mine --data rows.npz --from x --to y -o z.npz", 2, "observes no y"),
        ("translate mine --data rows.npz --from x --to x -o z.npz", 2, "both in --from and in"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_line(
    words: str, code: int, said: str, folder: Path
) -> None:
    rows = dict(np.load("rows.npz"))
    np.savez("part.npz", x=rows["x"])
    np.savez("other.npz", y=rows["x"])
    np.savez("wide.npz", x=np.zeros((40, 4)), n=rows["n"])
    np.savez("grey.npz", x=rows["x"] + 7, n=rows["n"])
    holes = rows["n"].astype(float)
    holes[3, 1] = np.nan
    np.savez("holes.npz", x=rows["x"], n=holes)
    np.savez("objects.npz", x=np.array([Bomb()] * 40, dtype=object), n=rows["n"])
    Path("bomb.npz").write_bytes(pickle.dumps(Bomb()))
    ended = used(*words.split())
    assert ended.code == code, ended.err
    assert said in " ".join(ended.err.split())
    assert not Path("exploded").exists()
    assert not Path("z.npz").exists()


def test_a_probe_tells_what_codes_know_and_no_more() -> None:
    """Of a code that holds a class and a number, and of one that holds neither."""
    random = np.random.RandomState(0)
    classes, numbers = random.randint(3, size=400), random.normal(size=400)
    knowing = torch.from_numpy(np.stack([classes == 1, classes == 2, numbers], axis=1)).double()
    ignorant = torch.from_numpy(random.normal(size=(400, 3)))
    for targets, kind in ((classes, "accuracy"), (numbers, "R2")):
        known, asked = targets[:300], targets[300:]
        for codes, least, most in ((knowing, 0.95, 1.0), (ignorant, -0.5, 0.5)):
            found = probe(
                "y", (codes[:300], codes[300:]), (known, asked), classes=kind == "accuracy"
            )
            assert found.kind == kind
            assert least <= found.linear <= most
            assert -0.7 <= found.without <= 0.5
    with pytest.raises(ValueError, match="have the same y"):
        probe("y", (knowing[:300], knowing[300:]), (known * 0, asked), classes=True)


TABLE = """model table
observed a : real[2]
observed site : categorical(3)
observed sex : binary optional
latent z : real[2] ~ normal
q { a, site -> z via mlp(4) }
p {
    z -> a via mlp(4)
    z -> site via mlp(4)
    z -> sex via mlp(4)
}
minimize KL(q || p)
"""
ROWS = [
    ("u", "v", "site", "sex"),
    *(
        (f"{0.1 * i:.1f}", f"{-0.2 * i:.1f}", "CAB"[i % 3], ("f", "m", "")[i % 4 % 3])
        for i in range(20)
    ),
]


def written(name: str, rows: Sequence[tuple[str, ...]]) -> None:
    Path(name).write_text("".join(",".join(row) + "\n" for row in rows))


def test_a_trained_model_reads_columns_and_classes_as_its_record_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file that has fewer classes, other columns, and its rows in another order."""
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: no .csv is read")
    monkeypatch.chdir(tmp_path)
    Path("table.mib").write_text(TABLE)
    written("rows.csv", ROWS)
    words = ("train", "table.mib", "--data", "rows.csv", "--map", "a=u,v", "--epochs", 1)
    assert used(*words, "--quiet", "-o", "run").code == 0
    assert used("encode", "run", "--data", "rows.csv", "-o", "all.npz").code == 0
    means = np.load("all.npz")["z.mean"]
    chosen = [7, 4, 10]
    assert {ROWS[1 + row][2] for row in chosen} == {"A"}
    written("few.csv", [("site", "v", "u")] + [
        (ROWS[1 + row][2], ROWS[1 + row][1], ROWS[1 + row][0]) for row in chosen
    ])  # fmt: skip
    assert used("encode", "run", "--data", "few.csv", "-o", "few.npz").code == 0
    np.testing.assert_allclose(np.load("few.npz")["z.mean"], means[chosen], rtol=1e-5, atol=1e-6)
    objective = graphdsl.load("run")
    site = torch.tensor(["ABC".index(row[2]) for row in ROWS[1:]])
    a = torch.tensor([[float(one) for one in row[:2]] for row in ROWS[1:]])
    expected = objective.infer({"a": a, "site": site})["z"].mean
    np.testing.assert_allclose(means, expected.numpy(), rtol=1e-5, atol=1e-6)

    held_out = table(
        used("score", "run", "--data", "rows.csv", "--rows", "held-out", "-o", "-").out
    )
    trained = table(used("score", "run", "--data", "rows.csv", "--rows", "train", "-o", "-").out)
    assert sorted(held_out["row"] + trained["row"]) == list(range(20))
    assert len(held_out["row"]) == 4
    said = used("evaluate", "run", "--data", "rows.csv", "--samples", 0)
    assert "of 4 held-out rows" in said.out

    ended = used("sample", "run", "-n", 50, "-o", "-")
    drawn = list(csv.DictReader(io.StringIO(ended.out)))
    indices = sample(objective, 50)["site"].sample.tolist()
    assert [row["site.sample"] for row in drawn] == ["ABC"[one] for one in indices]
    assert {row["sex.sample"] for row in drawn} == {"f", "m"}
    assert used("sample", "run", "-n", 50, "-o", "new.parquet").code == 0
    again = pytest.importorskip("pyarrow.parquet").read_table("new.parquet")
    assert again["site.sample"].to_pylist() == [row["site.sample"] for row in drawn]

    measure = ("evaluate", "run", "--data", "rows.csv", "--samples", 0, "-o", "e.json")
    ended = used(*measure, "--probe", "site", "--probe", "v", "--probe", "sex")
    assert ended.code == 0, ended.err
    site, v, sex = json.loads(Path("e.json").read_text())["probes"]
    assert (site["of"], site["kind"], site["rows"]) == ("site", "accuracy", 4)
    assert (v["of"], v["kind"], v["rows"]) == ("v", "R2", 4)
    assert sex["rows"] < 4  # rows without a value are left out
    assert v["linear"] > v["without"]
    assert "site " in ended.out.partition("from the codes")[2]
    assert "DATA03  --probe: rows.csv has no column `w`" in used(*measure, "--probe", "w").err

    objective.save("saved")
    assert used("encode", "saved", "--data", "few.csv", "-o", "saved.npz").code == 0
    assert np.array_equal(np.load("saved.npz")["z.mean"], np.load("few.npz")["z.mean"])
    written("new.csv", [("u", "v", "site"), ("1", "2", "D")])
    ended = used("encode", "run", "--data", "new.csv", "-o", "new.npz")
    assert ended.code == 1
    assert "DATA08  site: has `D`, which the model was not trained on" in ended.err
    objective.data_record = None
    objective.save("bare")
    written("named.csv", [("a_0", "a_1", "site"), ("1", "2", "A"), ("1", "2", "B")])
    ended = used("encode", "bare", "--data", "named.csv", "-o", "new.npz")
    assert ended.code == 1
    assert "no record of which class each was" in " ".join(ended.err.split())
