"""`LatentModel` among other estimators: what scikit-learn asks of one, and what it computes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from unittest import SkipTest

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import graphdsl
from graphdsl import LatentModel
from graphdsl.api.likelihood import NoLikelihood, bound_of_rows
from tests.corpus import fuzz, some


def rows(count: int = 200, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Rows of four numbers on a noisy plane."""
    random = np.random.RandomState(seed)
    plane = random.normal(size=(count, 2)) @ random.normal(size=(2, 4))
    found: np.ndarray[tuple[int, int], np.dtype[np.float64]] = plane + 0.1 * random.normal(
        size=(count, 4)
    )
    return 3.0 + 10.0 * found


def test_it_is_an_estimator_of_scikit_learn() -> None:
    """By some of scikit-learn's own checks; under FUZZ by all."""
    model = LatentModel(epochs=1, samples=2, random_state=0)
    checks = list(estimator_checks_generator(model))
    assert len(checks) > 40
    for estimator, check in some("scikit-learn", checks, 12):
        try:
            check(estimator)
        except SkipTest as reason:
            print(f"{check}: {reason}")


def test_a_trained_model_has_learned_the_plane() -> None:
    """Its codes tell the rows, as those of a principal component analysis do."""
    data = rows()
    model = LatentModel(epochs=60, learning_rate=0.01, random_state=0).fit(data)
    assert len(model.loss_curve_) == 60
    assert model.loss_curve_[-1] < model.loss_curve_[0] - 1
    back = model.inverse_transform(model.transform(data))
    assert isinstance(back, np.ndarray)
    left, whole = ((data - back) ** 2).mean(), data.var(axis=0).mean()
    pca = PCA(2).fit(data)
    best = ((data - pca.inverse_transform(pca.transform(data))) ** 2).mean()
    assert best < left < 0.1 * whole
    drawn = model.sample(2000)
    assert isinstance(drawn, np.ndarray)
    assert np.abs(drawn.mean(0) - data.mean(0)).max() < 0.3 * data.std(0).max()
    fresh = rows(seed=0)
    assert model.score(fresh) > model.score(fresh[:, ::-1])


def test_scores_are_bounds_of_each_row() -> None:
    model = LatentModel(epochs=2, samples=16, random_state=0).fit(rows())
    data = rows(12)
    scores = model.score_samples(data)
    assert scores.shape == (12,)
    batch = {"x": torch.from_numpy(data)}
    first = bound_of_rows(model.objective_, {"x": batch["x"][:1].repeat(12, 1)}, 16)
    assert scores[0] == pytest.approx(-first[0].item())  # the noise of the first row
    assert np.allclose(model.score_samples(data[::-1])[::-1], scores)
    adversarial = graphdsl.compile("gan").source.text
    with pytest.raises(NoLikelihood):
        LatentModel(adversarial, epochs=1).fit(np.zeros((40, 64))).score_samples(np.zeros((2, 64)))


def test_it_works_in_a_pipeline_and_in_a_search() -> None:
    data = rows(60)
    pipeline = make_pipeline(StandardScaler(), LatentModel(epochs=2, random_state=0))
    codes = pipeline.fit_transform(data)
    assert codes.shape == (60, 2)
    assert np.allclose(pipeline.inverse_transform(codes).shape, (60, 4))
    assert list(pipeline.get_feature_names_out()) == ["z_0", "z_1"]
    search = GridSearchCV(
        LatentModel(epochs=2, random_state=0),
        {"constants": [{"latents": 1}, {"latents": 3}]},
        cv=2,
    ).fit(data)
    assert search.best_estimator_.transform(data).shape[1] in (1, 3)
    assert np.isfinite(cross_val_score(LatentModel(epochs=1, random_state=0), data, cv=2)).all()


def test_the_width_of_the_data_sets_the_constant_of_the_spec() -> None:
    data = (rows(40) > 3).astype(float)
    model = LatentModel("vae", epochs=1).fit(data)
    assert model.objective_.variables[0].shape == (4,)
    assert model.objective_.origin is not None
    assert model.objective_.origin.constants == {"pixels": "4"}
    with pytest.raises(ValueError, match="X has 4 features, and `x` of the spec has 5 values"):
        LatentModel("vae", constants={"pixels": 5}).fit(data)
    with pytest.raises(ValueError, match="is a parameter"):
        LatentModel("beta_vae", constants={"beta": 5}).fit(data)
    assert LatentModel("beta_vae", parameters={"beta": 2}, epochs=1).fit(data).objective_.beta == 2


SEVERAL = """model several
observed a : real[2]
observed y : categorical(3)
latent z : real[2] ~ normal
q { a, y -> z via mlp(4) }
p {
    z -> a via mlp(4)
    z -> y via mlp(4)
}
minimize KL(q || p)
"""


def test_several_variables_come_by_name() -> None:
    data, labels = rows(40)[:, :2], np.arange(40) % 3
    model = LatentModel(SEVERAL, epochs=1, random_state=0).fit({"a": data, "y": labels})
    codes = model.transform({"a": data, "y": labels})
    assert codes.shape == (40, 2)
    back = model.inverse_transform(codes)
    assert isinstance(back, dict)
    assert back["y"].shape == (40, 3)
    assert np.allclose(back["y"].sum(1), 1)
    other = LatentModel(SEVERAL, epochs=1, random_state=0).fit(data, labels)
    assert np.array_equal(other.transform({"a": data, "y": labels}), codes)
    with pytest.raises(ValueError, match="the codes depend on `y`"):
        other.transform(data)
    with pytest.raises(ValueError, match="expected a mapping or a table of b, a, y"):
        LatentModel(TWO, epochs=1).fit([1, 2])


TWO = SEVERAL.replace("observed a", "observed b : real\nobserved a").replace(
    "a, y -> z", "a, b, y -> z"
).replace("    z -> y", "    z -> b via mlp(4)\n    z -> y")  # fmt: skip


def test_columns_of_a_table_go_to_variables_by_name() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(
        {"b": rows(40)[:, 3], "y": list("pqr" * 13 + "p"), "a_0": rows(40)[:, 0], "a_1": 1.0}
    )
    frame["a_1"] = rows(40)[:, 1]
    model = LatentModel(TWO, epochs=1, random_state=0).fit(frame)
    by_name = {
        "a": rows(40)[:, :2],
        "b": rows(40)[:, 3],
        "y": np.array(["pqr".index(one) for one in frame["y"]]),
    }
    turned = frame[["a_1", "y", "b", "a_0"]].iloc[[4, 1, 7]]  # classes q and p alone
    expected = model.transform(by_name)[[4, 1, 7]]
    np.testing.assert_allclose(model.transform(turned), expected, rtol=1e-5)


ELSEWHERE = """
import pickle, sys
import numpy as np
model = pickle.load(open(sys.argv[1], "rb"))
np.save(sys.argv[2], model.transform(np.load(sys.argv[3])))
"""


def test_a_pickle_and_a_saved_folder_hold_the_trained_model(tmp_path: Path) -> None:
    data = rows(30)
    model = LatentModel(epochs=1, random_state=0).fit(data)
    codes = model.transform(data)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    assert np.array_equal(
        pickle.loads((tmp_path / "model.pkl").read_bytes()).transform(data), codes
    )
    model.save(str(tmp_path / "saved"))
    loaded = graphdsl.load(tmp_path / "saved")
    mean = loaded.infer({"x": torch.from_numpy(data)})["z"].mean
    assert np.array_equal(mean.numpy(), codes)
    if fuzz(0):  # a process takes seconds to import torch
        np.save(tmp_path / "rows.npy", data)
        places = [str(tmp_path / name) for name in ("model.pkl", "codes.npy", "rows.npy")]
        subprocess.run([sys.executable, "-c", ELSEWHERE, *places], check=True)
        assert np.array_equal(np.load(places[1]), codes)
