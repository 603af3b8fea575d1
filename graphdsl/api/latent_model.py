"""A model as an estimator of scikit-learn: `fit`, `transform`, and what goes with them.

The one module of the compiler that imports scikit-learn; `graphdsl.LatentModel` loads it.
"""

from __future__ import annotations

__all__ = ["LatentModel"]

import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from graphdsl.api.given import (
    alone,
    batch_by_name,
    batch_of_rows,
    batch_of_table,
    is_by_name,
    is_cells,
    matrix_of,
)
from graphdsl.api.in_memory import losses_of_epochs
from graphdsl.api.loading import load
from graphdsl.api.numbers import Number, WrongValue
from graphdsl.api.sized import compiled_for
from graphdsl.diagnostics import SpecError
from graphdsl.ir.symbols import entry_word

if TYPE_CHECKING:
    from torch import Tensor, nn

    from graphdsl.api.compiled import Compiled
    from graphdsl.api.sources import Spec
    from graphdsl_runtime import Batch, Objective, Variable

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


class LatentModel(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Train a spec on arrays, and use it: codes, reconstructions, samples, scores.

    ``X`` is an array of a row for each sample, a DataFrame, or an AnnData, whose matrix counts,
    where the spec has one variable of data. A constant that sets the size of this variable is set
    to the width of ``X``. Otherwise ``X`` is a mapping from names of variables to arrays, or a
    DataFrame, an AnnData or a MuData, whose columns go to the variables of their names, or as
    ``maps`` says. NaN is a missing value, which a variable under `optional` may have.

    Args:
        spec: A path, a text, or the name of a spec that ships; by default a variational
            autoencoder of real numbers with two latents, ``constants={"latents": 2}``.
        constants: Values of the spec's constants.
        parameters: Values of the spec's parameters.
        maps: Columns of variables, ``{"x": "gene_*", "y": "cell_type"}``, as `--map` has them.
        networks: Networks of one's own, by the names of the conditionals.
        epochs: Passes over the rows.
        batch_size: Rows of a step.
        learning_rate: Of Adam.
        samples: Importance weights of each row in `score_samples`.
        random_state: Of weights, order and noise: an int, a RandomState, or None.

    After `fit` it has ``objective_``, the trained module, which `save` writes to a folder, and
    ``loss_curve_``, the mean loss of each epoch.

    >>> import numpy as np
    >>> rows = np.random.RandomState(0).normal(size=(64, 3))
    >>> model = LatentModel(epochs=2, random_state=0)
    >>> model.fit(rows).transform(rows).shape
    (64, 2)
    >>> model.inverse_transform(model.transform(rows)).shape, model.sample(5).shape
    ((64, 3), (5, 3))
    """

    def __init__(
        self,
        spec: Spec | None = None,
        *,
        constants: Mapping[str, Number] | None = None,
        parameters: Mapping[str, float] | None = None,
        maps: Mapping[str, str] | None = None,
        networks: Mapping[str, nn.Module] | None = None,
        epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        samples: int = 64,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.spec = spec
        self.constants = constants
        self.parameters = parameters
        self.maps = maps
        self.networks = networks
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.samples = samples
        self.random_state = random_state

    def fit(self, X: object, y: object = None) -> Self:  # noqa: N803  # as scikit-learn has it
        """Train on rows; ``y`` goes to the variable ``y`` of the spec, and is ignored without one.

        Raises `SpecError`, `ObjectiveError`, `DataRefused` with all that is wrong with a table, and
        ValueError for what is no such data.
        """
        import torch

        for name in ("epochs", "batch_size", "samples"):
            if not isinstance(getattr(self, name), int | np.integer) or getattr(self, name) < 1:
                raise WrongValue(f"{name} is {getattr(self, name)!r}; expected 1 or more")
        if not 0 < self.learning_rate < math.inf:
            raise WrongValue(f"learning_rate is {self.learning_rate!r}; expected more than 0")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        emitted = self._compiled().objective
        variable = alone(emitted)
        given = X
        if variable is not None and self._is_matrix(X):
            given = self._checked(variable, X, ensure_min_samples=2)
            emitted = self._compiled(given.shape[1]).objective
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            objective: Objective = emitted(networks=self.networks, **dict(self.parameters or {}))
            batch = self._batch(objective, given, y, fitting=True)
            self.loss_curve_ = list(
                losses_of_epochs(
                    objective,
                    batch,
                    epochs=self.epochs,
                    batch_size=self.batch_size,
                    learning_rate=self.learning_rate,
                )
            )
        self.n_iter_ = self.epochs
        # Rows get the same to the last digits then, whatever other rows are transformed with them.
        self.objective_ = objective.eval().double()
        return self

    def transform(self, X: object) -> Array:  # noqa: N803
        """Give the codes of rows: the means of all latents, side by side.

        Shapes: ``-> (n, codes)``; of a category, the probabilities of its classes.
        """
        from graphdsl_runtime.in_use import encode, read_by_infer, read_part

        objective = self._fitted()
        batch = self._batch(objective, X)
        read = read_by_infer(objective)
        there = {entry_word(name) for name in batch}
        for variable in objective.variables:
            if variable.name in read and variable.name not in there and not variable.optional:
                raise ValueError(
                    f"the codes depend on `{variable.name}`: give X as a mapping that has it"
                )
        codes = encode(objective, read_part(objective, batch))
        return np.concatenate(
            [
                code.reshape(len(code), -1).numpy()
                for code in (codes[latent.name].mean for latent in self._latents(objective))
            ],
            axis=1,
        )

    def inverse_transform(self, X: object) -> Array | dict[str, Array]:  # noqa: N803
        """Give the means of the data at codes; of several variables, each by its name."""
        import torch

        objective = self._fitted()
        codes = np.asarray(X, dtype=np.float64)
        shapes = {latent.name: _code_shape(latent) for latent in self._latents(objective)}
        sizes = [math.prod(shape) for shape in shapes.values()]
        if codes.ndim != 2 or codes.shape[1] != sum(sizes):
            raise ValueError(f"codes have shape {codes.shape}; expected (n, {sum(sizes)})")
        parts = torch.split(torch.from_numpy(codes), sizes, dim=1)
        latents = {
            name: part.reshape(len(codes), *shape)
            for (name, shape), part in zip(shapes.items(), parts, strict=True)
        }
        with torch.no_grad():
            decoded = objective.decode(latents)
        return self._as_given({name: distribution.mean for name, distribution in decoded.items()})

    def sample(self, n_samples: int = 1) -> Array | dict[str, Array]:
        """Draw rows from the model; of several variables, each by its name."""
        from graphdsl_runtime.in_use import sample

        objective = self._fitted()
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        latents = {variable.name for variable in objective.variables if variable.role == "latent"}
        drawn = sample(objective, n_samples, seed=seed)
        return self._as_given(
            {name: one.sample for name, one in drawn.items() if name not in latents}
        )

    def score_samples(self, X: object) -> Array:  # noqa: N803
        """Give a lower bound of log p of each row, in nats.

        It is by importance weights; where the spec has no such bound, minus the loss of the row.
        All rows have the same noise: a row's score does not depend on the others, and the scores'
        errors are not independent.
        Shapes: ``-> (n,)``.  Raises `NoLikelihood` where the loss is none of single rows either.
        """
        from graphdsl.api.likelihood import NoLikelihood, bound_of_rows
        from graphdsl_runtime.in_use import row_terms

        objective = self._fitted()
        batch = self._batch(objective, X)
        try:
            bounds = bound_of_rows(objective, batch, self.samples, same_noise=True)
        except NoLikelihood:
            terms = row_terms(objective, batch, same_noise=True)
            if "loss" not in terms.terms:
                raise
            bounds = terms.terms["loss"]
        scores: Array = -bounds.numpy()
        return scores

    def score(self, X: object, y: object = None) -> float:  # noqa: N803
        """Give the mean of `score_samples`."""
        return float(self.score_samples(X).mean())

    def get_feature_names_out(self, input_features: object = None) -> Array:
        """Name the codes: ``z_0``, ``z_1``, ``u[1]_0``."""
        import torch

        from graphdsl_runtime.in_use.tables import columns_of

        latents = self._latents(self._fitted())
        empty = {latent.name: torch.empty(1, *_code_shape(latent)) for latent in latents}
        return np.array([name for name, _ in columns_of(empty, latents)], dtype=object)

    def save(self, folder: str) -> None:
        """Write the trained model to a folder that `graphdsl.load` reads."""
        self._fitted().save(folder)

    # What those are written in.

    def _fitted(self) -> Objective:
        check_is_fitted(self, "objective_")
        objective: Objective = self.objective_
        return objective

    def _compiled(self, features: int | None = None) -> Compiled:
        return compiled_for(self.spec, self.constants or {}, features)

    def _batch(
        self,
        objective: Objective,
        given: object,
        y: object = None,
        *,
        fitting: bool = False,
    ) -> Batch:
        """Give rows as the module takes them."""
        variable = alone(type(objective))
        if variable is not None and self._is_matrix(given):
            rows = given if fitting else self._checked(variable, given, reset=False)
            batch = dict(batch_of_rows(variable, np.asarray(rows)))
        elif is_by_name(given) and not self.maps:
            batch = batch_by_name(given)
        else:
            batch = dict(batch_of_table(objective, given, self.maps or {}, fitting=fitting))
        label = next((one for one in objective.variables if one.name == "y"), None)
        if y is not None and label is not None and "y" not in batch:
            batch |= batch_of_rows(label, np.asarray(y))
        return batch

    def _is_matrix(self, given: object) -> bool:
        """Whether ``X`` is rows of numbers, and no columns with names of their own."""
        return not self.maps and (is_cells(given) or not is_by_name(given))

    def _checked(self, variable: Variable, given: object, **options: Any) -> Array:  # noqa: ANN401
        """Hold rows of numbers to what scikit-learn asks of them; NaN is for `optional` ones."""
        finite = "allow-nan" if variable.optional else True
        checked: Array = validate_data(
            self, matrix_of(given), dtype=np.float64, ensure_all_finite=finite, **options
        )
        return checked

    def _latents(self, objective: Objective) -> list[Variable]:
        return [variable for variable in objective.variables if variable.role == "latent"]

    def _as_given(self, distributions: Mapping[str, Tensor]) -> Array | dict[str, Array]:
        if len(distributions) == 1 and hasattr(self, "n_features_in_"):
            (rows,) = distributions.values()
            flat: Array = rows.reshape(len(rows), -1).numpy()
            return flat
        return {name: distribution.numpy() for name, distribution in distributions.items()}

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401  # scikit-learn has no types
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._lacks_values()
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags

    def _lacks_values(self) -> bool:
        """Whether the rows of numbers may have missing values."""
        with suppress(SpecError, WrongValue, OSError):
            variable = None if self.spec is None else alone(self._compiled().objective)
            return variable is not None and variable.optional
        return False

    def __getstate__(self) -> dict[str, Any]:
        """Put the module aside as a saved model: its class is of this process alone."""
        state: dict[str, Any] = {**super().__getstate__()}
        objective = state.pop("objective_", None)
        if objective is not None:
            with TemporaryDirectory() as place:
                objective.save(Path(place) / "model")
                files = sorted((Path(place) / "model").iterdir())
                state["saved_"] = {file.name: file.read_bytes() for file in files}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("saved_", None)
        super().__setstate__(state)
        if files is not None:
            with TemporaryDirectory() as place:
                for name, content in files.items():
                    (Path(place) / name).write_bytes(content)
                self.objective_ = load(place, networks=self.networks)


def _code_shape(latent: Variable) -> tuple[int, ...]:
    """The shape of a row's code: of a category, probabilities."""
    return latent.tensor_shape if latent.classes is None else latent.noise_shape
