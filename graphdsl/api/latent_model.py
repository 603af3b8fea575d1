"""A model as an estimator of scikit-learn: `fit`, `transform`, and what goes with them.

The one module of the compiler that imports scikit-learn; `graphdsl.LatentModel` loads it.
"""

from __future__ import annotations

__all__ = ["LatentModel"]

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeGuard

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from graphdsl.api.compiled import Compiled, compile
from graphdsl.api.loading import load
from graphdsl.api.numbers import Number, WrongValue
from graphdsl.api.sources import Spec, source_of
from graphdsl.diagnostics import SpecError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from graphdsl_runtime import Batch, Objective, Variable

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

#: The model of rows of numbers, where no other is asked for.
_DEFAULT = """model latent_model
const features = 2
const latents = 2
observed x : real[features] ~ normal(scale = learned)
latent z : real[latents] ~ normal
q { x -> z via mlp(64) }
p { z -> x via mlp(64) }
minimize KL(q || p)
"""


class LatentModel(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Train a spec on arrays, and use it: codes, reconstructions, samples, scores.

    ``X`` is an array of a row for each sample where the spec has one variable of data; otherwise a
    mapping from names of variables to arrays, or a DataFrame, whose columns go to the variables of
    their names. A constant that sets the size of the one variable is set to the width of ``X``.

    Args:
        spec: A path, a text, or the name of a spec that ships; by default a variational
            autoencoder of real numbers with two latents, ``constants={"latents": 2}``.
        constants: Values of the spec's constants.
        parameters: Values of the spec's parameters.
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
        self.networks = networks
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.samples = samples
        self.random_state = random_state

    def fit(self, X: object, y: object = None) -> Self:  # noqa: N803  # as scikit-learn has it
        """Train on rows; ``y`` goes to the variable ``y`` of the spec, and is ignored without one.

        Raises `SpecError`, `ObjectiveError`, and ValueError for what is no such data.
        """
        import torch

        for name in ("epochs", "batch_size", "samples"):
            if not isinstance(getattr(self, name), int | np.integer) or getattr(self, name) < 1:
                raise WrongValue(f"{name} is {getattr(self, name)!r}; expected 1 or more")
        if not 0 < self.learning_rate < math.inf:
            raise WrongValue(f"learning_rate is {self.learning_rate!r}; expected more than 0")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        made = self._compiled(None).objective
        given = X
        if not _is_by_name(X) and _alone(made) is not None:
            rows: Array = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
            given, made = rows, self._compiled(rows.shape[1]).objective
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            objective: Objective = made(networks=self.networks, **dict(self.parameters or {}))
            batch = self._batch(objective, given, y, fitting=True)
            self.loss_curve_ = list(self._epochs_of(objective, batch))
        self.n_iter_ = self.epochs
        # Rows get the same to the last digits then, whatever other rows are transformed with them.
        self.objective_ = objective.eval().double()
        return self

    def transform(self, X: object) -> Array:  # noqa: N803
        """Give the codes of rows: the means of all latents, side by side.

        Shapes: ``-> (n, codes)``; of a category, the probabilities of its classes.
        """
        from graphdsl_runtime.in_use import encode, read_by_infer

        objective = self._fitted()
        batch = self._batch(objective, X)
        read = read_by_infer(objective)
        there = {_owner(name) for name in batch}
        for one in objective.variables:
            if one.name in read and one.name not in there and not one.optional:
                raise ValueError(
                    f"the codes depend on `{one.name}`: give X as a mapping that has it"
                )
        seen = {name: one for name, one in batch.items() if _owner(name) in read}
        codes = encode(objective, seen)
        return np.concatenate(
            [codes[one.name].mean.flatten(1).numpy() for one in self._latents(objective)], axis=1
        )

    def inverse_transform(self, X: object) -> Array | dict[str, Array]:  # noqa: N803
        """Give the means of the data at codes; of several variables, each by its name."""
        import torch

        objective = self._fitted()
        codes = np.asarray(X, dtype=np.float64)
        shapes = {one.name: _code_shape(one) for one in self._latents(objective)}
        sizes = [math.prod(shape) for shape in shapes.values()]
        if codes.ndim != 2 or codes.shape[1] != sum(sizes):
            raise ValueError(f"codes have shape {codes.shape}; expected (n, {sum(sizes)})")
        parts = torch.split(torch.from_numpy(codes), sizes, dim=1)
        latents = {
            name: part.reshape(len(codes), *shape)
            for (name, shape), part in zip(shapes.items(), parts, strict=True)
        }
        with torch.no_grad():
            found = objective.decode(latents)
        return self._as_given({name: one.mean for name, one in found.items()})

    def sample(self, n_samples: int = 1) -> Array | dict[str, Array]:
        """Draw rows from the model; of several variables, each by its name."""
        from graphdsl_runtime.in_use import sample

        objective = self._fitted()
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        latents = {one.name for one in objective.variables if one.role == "latent"}
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
            found = bound_of_rows(objective, batch, self.samples, same_noise=True)
        except NoLikelihood:
            terms = row_terms(objective, batch, same_noise=True)
            if "loss" not in terms.terms:
                raise
            found = terms.terms["loss"]
        scores: Array = -found.numpy()
        return scores

    def score(self, X: object, y: object = None) -> float:  # noqa: N803
        """Give the mean of `score_samples`."""
        return float(self.score_samples(X).mean())

    def get_feature_names_out(self, input_features: object = None) -> Array:
        """Name the codes: ``z_0``, ``z_1``, ``u[1]_0``."""
        import torch

        from graphdsl_runtime.in_use.tables import columns_of

        latents = self._latents(self._fitted())
        empty = {one.name: torch.empty(1, *_code_shape(one)) for one in latents}
        return np.array([name for name, _ in columns_of(empty, latents)], dtype=object)

    def save(self, folder: str) -> None:
        """Write the trained model to a folder that `graphdsl.load` reads."""
        self._fitted().save(folder)

    # What those are written in.

    def _fitted(self) -> Objective:
        check_is_fitted(self, "objective_")
        objective: Objective = self.objective_
        return objective

    def _compiled(self, features: int | None) -> Compiled:
        constants = dict(self.constants or {})
        source = source_of(_DEFAULT if self.spec is None else self.spec)
        made = _compiled(source.name, source.text, tuple(sorted(constants.items())))
        if features is None:
            return made
        variable = _alone(made.objective)
        assert variable is not None  # or nobody would ask
        if math.prod(variable.tensor_shape) == features:
            return made
        for name, _ in made.module.compiled.checked.model.constants:
            if name in constants:
                continue
            try:
                other = _compiled(
                    source.name, source.text, (*sorted(constants.items()), (name, features))
                )
            except (SpecError, WrongValue):
                continue
            found = _alone(other.objective)
            if found is not None and math.prod(found.tensor_shape) == features:
                return other
        raise ValueError(
            f"X has {features} features, and `{variable.name}` of the spec has "
            f"{math.prod(variable.tensor_shape)} values: give constants={{...}}"
        )

    def _batch(
        self,
        objective: Objective,
        given: object,
        y: object = None,
        *,
        fitting: bool = False,
    ) -> Batch:
        """Give rows as the module takes them."""
        import torch

        variable = _alone(type(objective))
        if variable is not None and not _is_by_name(given):
            checked = (
                given if fitting else validate_data(self, given, dtype=np.float64, reset=False)
            )
            rows = torch.from_numpy(np.ascontiguousarray(checked)).reshape(
                -1, *variable.tensor_shape
            )
            found = {variable.name: rows.long() if variable.kind == "categorical" else rows}
        elif _is_by_name(given):
            found = {
                str(name): torch.as_tensor(np.ascontiguousarray(one)) for name, one in given.items()
            }
        else:
            found = dict(_of_frame(objective, given, fitting=fitting))
        names = {one.name for one in objective.variables if one.role != "latent"}
        if y is not None and "y" in names and "y" not in found:
            found["y"] = torch.as_tensor(np.asarray(y))
        return found

    def _epochs_of(self, objective: Objective, batch: Batch) -> Iterator[float]:
        """Train, and give the mean loss of each epoch."""
        import torch

        from graphdsl_runtime import learn_edges
        from graphdsl_runtime.in_use.blocks import rows_in
        from graphdsl_runtime.structures import EDGE_RATE

        rows = rows_in(batch)
        objective.rows = rows
        objective.standardise(batch)
        objective.train()
        optimizers = {
            player: torch.optim.Adam(
                [one for one in own if one.requires_grad],
                lr=self.learning_rate * (EDGE_RATE if player == "structure" else 1.0),
            )
            for player, own in objective.parameter_groups().items()
        }
        each = max(1, rows // self.batch_size)  # the last one takes the rows that are left
        places = _orders(rows, self.batch_size, each, self.epochs)
        steps = learn_edges(
            objective,
            optimizers,
            ({name: one[here] for name, one in batch.items()} for here in places),
            each * self.epochs,
        )
        total = 0.0
        for step, losses in enumerate(steps, 1):
            total += losses.loss.item()
            if step % each == 0:
                yield total / each
                total = 0.0

    def _latents(self, objective: Objective) -> list[Variable]:
        return [one for one in objective.variables if one.role == "latent"]

    def _as_given(self, found: Mapping[str, Tensor]) -> Array | dict[str, Array]:
        if len(found) == 1 and hasattr(self, "n_features_in_"):
            (rows,) = found.values()
            flat: Array = rows.flatten(1).numpy()
            return flat
        return {name: one.numpy() for name, one in found.items()}

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401  # scikit-learn has no types
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Put the module aside as a saved model: its class is of this process alone."""
        state: dict[str, Any] = {**super().__getstate__()}
        objective = state.pop("objective_", None)
        if objective is not None:
            with TemporaryDirectory() as place:
                objective.save(Path(place) / "model")
                files = sorted((Path(place) / "model").iterdir())
                state["saved_"] = {one.name: one.read_bytes() for one in files}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("saved_", None)
        super().__setstate__(state)
        if files is not None:
            with TemporaryDirectory() as place:
                for name, content in files.items():
                    (Path(place) / name).write_bytes(content)
                self.objective_ = load(place, networks=self.networks)


@lru_cache(maxsize=16)
def _compiled(name: str, text: str, constants: tuple[tuple[str, Number], ...]) -> Compiled:
    from graphdsl.diagnostics import Source

    return compile(Source(name, text), **dict(constants))


def _is_by_name(given: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether data are arrays by name; a sparse array of one kind is a mapping, too."""
    return isinstance(given, Mapping) and not hasattr(given, "shape")


def _alone(made: type[Objective]) -> Variable | None:
    """The one variable that ``X`` is, where there is one: ``y`` comes by itself."""
    data = [one for one in made.variables if one.role != "latent"]
    others = [one for one in data if one.name != "y"] if len(data) > 1 else data
    return others[0] if len(others) == 1 else None


def _of_frame(objective: Objective, frame: Any, *, fitting: bool) -> Batch:  # noqa: ANN401  # a DataFrame
    """Read columns by their names, and classes by the names that training had for them."""
    from graphdsl_runtime.data import Column, Split, Table, prepare, read_batch
    from graphdsl_runtime.data.table import from_text

    if not hasattr(frame, "columns"):
        names = ", ".join(one.name for one in objective.variables if one.role != "latent")
        raise ValueError(f"X is a {type(frame).__name__}; expected a mapping or a table of {names}")
    columns = []
    for name in frame.columns:
        values = frame[name]
        if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biuf":
            columns.append(Column(str(name), values.to_numpy()))
        else:
            gone = np.asarray(values.isna(), dtype=bool)
            columns.append(from_text(str(name), values.astype(str).tolist(), gone))
    table = Table("X", tuple(columns))
    if fitting:
        split = Split(by="last", fraction=1e-9)  # all rows train; a split has to hold out one
        objective.data_record = prepare(table, objective.variables, split=split).record
        return read_batch(table, objective.variables, record=objective.data_record).batch
    return read_batch(table, objective.variables, record=objective.data_record).batch


def _orders(rows: int, size: int, each: int, epochs: int) -> Iterator[Tensor]:
    """Give the places of the rows of each step, in a new order for each epoch."""
    import torch

    for _ in range(epochs):
        order = torch.randperm(rows)
        for number in range(each):
            last = number == each - 1
            yield order[number * size : None if last else (number + 1) * size]


def _code_shape(latent: Variable) -> tuple[int, ...]:
    """The shape of a row's code: of a category, probabilities."""
    return latent.tensor_shape if latent.classes is None else latent.noise_shape


def _owner(key: str) -> str:
    """The variable that an entry of a batch is of: ``seen(x[1])`` is of x."""
    return key.removeprefix("seen(").removesuffix(")").partition("[")[0]
