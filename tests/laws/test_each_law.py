"""Every law in every role, shape and pattern of missing rows: compiled, run, compared with oracles.

A record that joins `LAWS` joins these tests. A likelihood is held to the densities of `verify`,
which share no code with the runtime; samples are held to what the likelihood says of itself; a rate
is held to the density of the sample itself, by the change of variables, or to its enumeration.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

import graphdsl_runtime
from graphdsl.catalog.laws import LAWS, Kind, Law, Output, kinds_of_latents, laws_of
from graphdsl.slots.words import OF_THE_RUNTIME
from graphdsl.verify.densities import DENSITIES, Predicted
from graphdsl_runtime import Categorical, Objective, OutsideSupport
from tests.emitted import emitted_class

pytestmark = pytest.mark.usefixtures("in_double_precision")

ROWS, CLASSES = 6, 3
DRAWS = 2000
COMPARED = 400  #: of draws that a kernel compares
ERRORS = 6.0  #: standard errors that a mean of samples may be away
HERE = 0.7  #: the share of rows that have something optional

SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 2))
IMAGE = (2, 8, 8)
DECLARED = [law for law in LAWS if law.declared]
LATENT = [law for law in DECLARED if law.latent]
JOINT = [law for law in LAWS if law.joint]
LABELS = [
    law
    for law in DECLARED
    if law.gradient != "none" and (law.scale is None or law.scale.default == "one")
]
ROOTS = list(dict.fromkeys((*LABELS, *LATENT)))


@dataclass(frozen=True)
class Likelihood:
    """An observed variable with a law, as a spec declares it."""

    law: Law
    scale: str  #: as written; empty for none
    shape: tuple[int, ...]
    is_family: bool
    is_optional: bool

    @property
    def output(self) -> Output:
        """What its network predicts."""
        if self.law.scale is None or self.scale == "network":
            return self.law.output
        return self.law.scale.output

    @property
    def spec(self) -> str:
        """The least spec with it."""
        word = "" if self.law.scale is None else self.law.scale.word
        scale = f"({word} = {self.scale})" if self.scale else ""
        declared = f"{kind(self.law)}{shape_text(self.shape)} ~ {self.law}{scale}"
        index, each = ("[1..2]", " for i in 1..2") if self.is_family else ("", "")
        x, by = ("x[i]", " by poe") if self.is_family else ("x", "")
        return f"""model likelihoods
observed x{index} : {declared}{" optional" * self.is_optional}
latent z : real[2] ~ normal
q {{ {x} -> z{by} via mlp(4){each} }}
p {{ z -> {x} via {"conv" if self.shape == IMAGE else "mlp(4)"}{each} }}
minimize KL(q || p)
"""

    def __str__(self) -> str:
        words = [str(self.law), self.scale, "x".join(map(str, self.shape)) or "scalar"]
        words += ["family"] * self.is_family + ["optional"] * self.is_optional
        return "-".join(filter(None, words))


def likelihoods() -> Iterator[Likelihood]:
    """Every law that a declaration may name, with every shape and pattern, and every scale."""
    both = (False, True)
    for law, shape, is_family, is_optional in product(DECLARED, (*SHAPES, IMAGE), both, both):
        if shape == IMAGE and (law.kind == "categorical" or is_optional):
            continue
        is_scaled = law.scale is not None and not is_optional
        scales = ("", "0.5", "learned", "network") if is_scaled else ("",)
        if law.scale is not None and law.scale.is_always_learned:
            scales = ("",)
        for scale in scales:
            yield Likelihood(law, scale, shape, is_family, is_optional)


def kind(law: Law) -> str:
    """The kind of a law's values, as a spec declares it."""
    return f"categorical({CLASSES})" if law.kind == "categorical" else law.kind


def shape_text(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]" if shape else ""


def values_of(law: Law, shape: tuple[int, ...]) -> Tensor:
    """Random values of a kind, as a batch holds them."""
    match law.kind:
        case "real":
            return torch.randn(shape)
        case "positive":
            return torch.randn(shape).exp()
        case "unit":
            return 0.98 * torch.rand(shape) + 0.01
        case "binary":
            return torch.randint(0, 2, shape).double()
        case "categorical":
            return torch.randint(0, CLASSES, shape)
        case "count":
            return torch.poisson(torch.full(shape, 2.0))


def log_density(of: Likelihood, answer: Tensor, value: Tensor, log_scale: float) -> Tensor:
    """The log-density of every row, and member of a family: the sum over its coordinates."""
    members = 2 if of.is_family else 1
    numbers = len(of.output.parameters)
    answers = answer.reshape(ROWS, members, numbers, -1).numpy()
    values = value.reshape(ROWS, members, -1).double().numpy()
    found = np.zeros((ROWS, members))
    for place in np.ndindex(ROWS, members):
        predicted = Predicted(values[place], tuple(answers[place]), log_scale, CLASSES)
        found[place] = DENSITIES[of.output.name](predicted).sum()
    return torch.from_numpy(found)


@pytest.mark.parametrize("of", list(likelihoods()), ids=str)
def test_reconstruction_is_the_density_of_each_law(of: Likelihood) -> None:
    torch.manual_seed(0)
    objective = emitted_class(of.spec)()
    answers: list[Tensor] = []
    objective.get_submodule("p_x").register_forward_hook(lambda *call: answers.append(call[-1]))
    members = (2,) if of.is_family else ()
    value = values_of(of.law, (ROWS, *members, *of.shape))
    seen = torch.ones(ROWS, *members, dtype=torch.bool)
    batch = {"x": value}
    if of.is_optional:
        seen = torch.rand(ROWS, *members) < HERE
        batch["seen(x)"] = seen
    log_scale = 0.0
    starts = ("log_", "thresholds_")
    learned = [one for name, one in objective.named_parameters() if name.startswith(starts)]
    is_learned = of.law.scale is not None and (of.scale or of.law.scale.default) == "learned"
    assert len(learned) == is_learned
    if is_learned:
        learned[0].data.fill_(0.3)
        log_scale = 0.3
    elif of.scale not in ("", "network"):
        assert of.law.scale is not None
        log_scale = of.law.scale.power * math.log(float(of.scale))
    with torch.no_grad():
        losses = objective(batch)
    exact = log_density(of, answers[-1], value, log_scale)
    expected = -(exact * seen.reshape(ROWS, -1)).sum() / ROWS
    assert losses.terms["reconstruction_x"].item() == pytest.approx(expected.item(), abs=1e-9)


EXPOSED = [law for law in DECLARED if law.exposure]


@pytest.mark.parametrize("law", EXPOSED, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("is_family", [False, True], ids=["single", "family"])
def test_means_of_counts_are_shares_of_their_exposure(
    law: Law, shape: tuple[int, ...], is_family: bool
) -> None:
    torch.manual_seed(0)
    of = Likelihood(law, "", shape, is_family, is_optional=False)
    text = of.spec.replace(f"~ {law}", f"~ {law}(exposure = size)").replace("p { z", "p { z, size")
    objective = emitted_class(text.replace("latent z", "given size : positive\nlatent z"))()
    answers: list[Tensor] = []
    objective.get_submodule("p_x").register_forward_hook(lambda *call: answers.append(call[-1]))
    members = 2 if is_family else 1
    value = values_of(law, (ROWS, *([members] * is_family), *shape))
    size = 50 * values_of(law, (ROWS,)).add(0.5)
    with torch.no_grad():
        losses = objective({"x": value, "size": size})
    parts = answers[-1].reshape(ROWS, members, len(of.output.parameters), -1).clone()
    if shape:
        parts[:, :, 0] = parts[:, :, 0].softmax(dim=-1).log()
    parts[:, :, 0] += size.log()[:, None, None]
    expected = -log_density(of, parts, value, 0.0).sum() / ROWS
    assert losses.terms["reconstruction_x"].item() == pytest.approx(expected.item(), rel=1e-9)
    drawn = objective.decode({"z": torch.zeros(1, 2), "size": torch.tensor([1000.0])})["x"].mean
    if shape and "zero" not in law.word:
        total = drawn.reshape(members, -1).sum(dim=1)
        torch.testing.assert_close(total, torch.full((members,), 1000.0))
    with pytest.raises(OutsideSupport, match=r"size is -2\.0 in row 0"):
        objective({"x": value, "size": size.index_fill(0, torch.tensor([0]), -2.0)})


@pytest.mark.parametrize("law", EXPOSED, ids=str)
@pytest.mark.parametrize(
    "prior", ["~ log_normal", "~ log_normal(median = learned, scale = learned)"]
)
def test_an_exposure_may_be_latent(law: Law, prior: str) -> None:
    torch.manual_seed(0)
    of = Likelihood(law, "", (3,), is_family=False, is_optional=False)
    text = of.spec.replace(f"~ {law}", f"~ {law}(exposure = size)").replace("p { z", "p { z, size")
    text = text.replace("latent z", f"latent size : positive {prior}\nlatent z")
    objective = emitted_class(text.replace("q { x -> z", "q { x -> z, size"))()
    answers: dict[str, Tensor] = {}
    for name in ("p_x", "q_size", *["p_size"] * ("learned" in prior)):
        objective.get_submodule(name).register_forward_hook(
            lambda *call, name=name: answers.update({name: call[-1]})
        )
    for parameter in objective.parameters():
        parameter.data.normal_(std=0.3)
    value = values_of(law, (ROWS, 3))
    noise = objective.draw_noise(value)
    losses = objective({"x": value}, noise)
    mean, log_scale = answers["q_size"].detach().T
    logarithm = mean + log_scale.exp() * noise["size"]
    parts = answers["p_x"].detach().reshape(ROWS, 1, len(of.output.parameters), 3).clone()
    parts[:, :, 0] = parts[:, :, 0].log_softmax(dim=-1) + logarithm[:, None, None]
    learned = [one for name, one in objective.named_parameters() if name.startswith("log_")]
    expected = torch.zeros(())
    for row, k in product(range(ROWS), range(3)):
        scale = learned[0][k].item() if learned else 0.0
        predicted = tuple(parts[row, 0, :, k : k + 1].numpy())
        one = Predicted(value[row, k : k + 1].numpy(), predicted, scale, CLASSES)
        expected -= DENSITIES[of.output.name](one).item() / ROWS
    assert losses.terms["reconstruction_x"].item() == pytest.approx(expected.item())
    # The logarithm is a bijection: the rate is that of two normals.
    prior_mean, prior_log_scale = answers.get("p_size", torch.zeros(1, 2)).detach().T
    q = torch.distributions.Normal(mean, log_scale.exp())
    p = torch.distributions.Normal(prior_mean, prior_log_scale.exp())
    rate = torch.distributions.kl_divergence(q, p).mean()
    assert losses.terms["rate_size"].item() == pytest.approx(rate.item())
    losses.loss.backward()
    of_size = objective.get_submodule("q_size").parameters()
    assert all(one.grad is not None and one.grad.any() for one in of_size)


def grouped() -> Iterator[tuple[Likelihood, bool, str]]:
    """Every law with a learned scale for each class, with shapes, families and missing rows.

    The class is given or, of families of matrices, inferred.
    """
    kinds = ((), False), ((3,), False), ((3,), True), ((2, 2), True)
    scaled = [law for law in DECLARED if law.kind != "categorical"]  # thresholds: test_ordinal.py
    for law, (shape, is_family) in product(scaled, kinds):
        role = "latent" if shape == (2, 2) else "given"
        for each in (False, True) if law.scale is not None else ():
            if each and (law.scale is None or law.scale.each):
                continue  # its scale has an entry for each coordinate anyway
            yield Likelihood(law, "", shape, is_family, is_optional=shape == (3,)), each, role


@pytest.mark.parametrize(("of", "each", "role"), list(grouped()), ids=str)
def test_a_scale_of_each_class_is_that_of_the_class_of_the_row(
    of: Likelihood, each: bool, role: str
) -> None:
    torch.manual_seed(0)
    assert of.law.scale is not None
    setting = f"({of.law.scale.word} = learned({'each, ' * each}g))"
    text = of.spec.replace(f"~ {of.law}", f"~ {of.law}{setting}", 1).replace("p { z", "p { z, g")
    declared = f"{role} g : categorical({CLASSES})"
    if role == "latent":
        text, declared = text.replace("q {", "q { x -> g;"), f"{declared} ~ categorical"
    text = text.replace("latent z", f"{declared}\nlatent z")
    objective = emitted_class(text)()
    answers: list[Tensor] = []
    objective.get_submodule("p_x").register_forward_hook(lambda *call: answers.append(call[-1]))
    members = 2 if of.is_family else 1
    value = values_of(of.law, (ROWS, *([members] * of.is_family), *of.shape))
    seen = torch.rand(ROWS, *([members] * of.is_family)) < HERE
    g = torch.arange(ROWS) % CLASSES
    batch = {"x": value, "seen(x)": seen} if of.is_optional else {"x": value}
    noise = objective.draw_noise(value)
    if role == "given":
        batch["g"] = g
    else:
        noise["g"] = 1e3 * torch.nn.functional.one_hot(g, CLASSES).double()
    (table,) = (one for name, one in objective.named_parameters() if name.startswith("log_"))
    assert table.shape[0] == CLASSES
    assert (table[0].numel() == members) != (each or of.law.scale.each) or not of.shape
    table.data.normal_()
    with torch.no_grad():
        losses = objective(batch, noise)
    size = math.prod(of.shape)
    logs = table.detach().reshape(CLASSES, members, -1).expand(-1, -1, size)
    exact = torch.zeros(ROWS, members)
    answer = answers[-1].reshape(ROWS, members, len(of.output.parameters), size)
    for row, member, k in product(range(ROWS), range(members), range(size)):
        if of.is_optional and not seen.reshape(ROWS, members)[row, member]:
            continue
        one = value.reshape(ROWS, members, size)[row, member, k : k + 1].double().numpy()
        predicted = tuple(answer[row, member, :, k : k + 1].numpy())
        scale = logs[int(g[row]), member, k].item()
        density = DENSITIES[of.output.name](Predicted(one, predicted, scale, CLASSES))
        exact[row, member] += density.item()
    expected = -exact.sum() / ROWS
    assert losses.terms["reconstruction_x"].item() == pytest.approx(expected.item(), abs=1e-9)


def quadrature(kind: Kind) -> tuple[Tensor, Tensor]:
    """Values over which a law is summed, and the step that each stands for."""
    if kind == "count":
        return torch.arange(200.0), torch.ones(200)
    if kind == "unit":
        logit = torch.linspace(-60.0, 36.0, DRAWS)
        value = logit.sigmoid()
        return value, (logit[1] - logit[0]) * value * (-logit).sigmoid()
    assert kind == "positive"
    logarithm = torch.linspace(-30.0, 10.0, DRAWS)
    return logarithm.exp(), (logarithm[1] - logarithm[0]) * logarithm.exp()


@pytest.mark.parametrize("law", DECLARED, ids=str)
def test_draws_have_the_moments_and_the_support_of_each_law(law: Law) -> None:
    torch.manual_seed(0)
    # Poles at the ends of the support are summed badly, and a Cauchy has no moments.
    scale = "4" if law.interior or law.word == "student_t" else ""
    one = Likelihood(law, scale, (2,), is_family=False, is_optional=False)
    objective = emitted_class(one.spec)()
    latents = {"z": torch.randn(1, 2).expand(DRAWS, 2)}
    likelihood: Any = graphdsl_runtime.detached(objective.decode(latents)["x"])  # of any law
    drawn = graphdsl_runtime.draw_data(likelihood)
    assert drawn.shape == (DRAWS, 2)
    if law.kind in ("positive", "unit"):
        assert (drawn > 0).all()
        assert (drawn < (math.inf if law.kind == "positive" else 1)).all()
    elif law.kind != "real":
        assert (drawn == drawn.round()).all()
        assert (drawn >= 0).all()
    if law.kind == "binary":
        assert (drawn <= 1).all()
    if law.kind == "categorical":
        assert (drawn < CLASSES).all()
        drawn = torch.nn.functional.one_hot(drawn, CLASSES)
    error = drawn.double().std(dim=0) / math.sqrt(DRAWS)
    assert ((drawn.double().mean(dim=0) - likelihood.mean[0]).abs() < ERRORS * error).all()
    # The entropy of the draws is E[-log p]: a wrong spread would show here.
    if law.entropy:
        entropy = likelihood.entropy()[0]
    else:
        values, steps = quadrature(law.kind)
        logs = likelihood[: len(values)].log_prob(values[:, None])
        chances = logs.exp() * steps[:, None]
        assert chances.sum(dim=0) == pytest.approx(torch.ones(2))
        entropy = -(chances * logs).sum(dim=0)
    nll = likelihood.nll(graphdsl_runtime.draw_data(likelihood))
    error = nll.std(dim=0) / math.sqrt(DRAWS)
    assert ((nll.mean(dim=0) - entropy).abs() < ERRORS * error).all()


@pytest.mark.parametrize("law", [law for law in DECLARED if law.has_units], ids=str)
@pytest.mark.parametrize("is_family", [False, True], ids=["single", "family"])
def test_a_network_of_zeros_predicts_the_mean_of_the_data(law: Law, is_family: bool) -> None:
    torch.manual_seed(0)
    of = Likelihood(law, "", (2,), is_family, is_optional=False)
    objective = emitted_class(of.spec)()
    members = (2,) if is_family else ()
    batch = {"x": 1.0 + values_of(law, (50, *members, 2))}
    objective.standardise(batch)
    for parameter in objective.get_submodule("p_x").parameters():
        parameter.data.zero_()
    found = objective.decode({"z": torch.randn(1, 2)})["x"].mean[0]
    torch.testing.assert_close(found, batch["x"].mean(dim=0))


LATENTS = [
    *((law, law, shape) for law in LATENT for shape in SHAPES),
    *((law, next(iter(laws_of(law.kind).values())), (3,)) for law in JOINT),
]


@pytest.mark.parametrize(
    ("law", "prior", "shape"), LATENTS, ids=[f"{a}-{b}-{c}" for a, b, c in LATENTS]
)
@pytest.mark.parametrize("is_optional", [False, True], ids=["complete", "optional"])
def test_rate_is_the_divergence_of_each_law(
    law: Law, prior: Law, shape: tuple[int, ...], is_optional: bool
) -> None:
    torch.manual_seed(1)
    drawn = f" ~ {law}" if law.joint else ""
    objective = emitted_class(
        f"""model rates
observed x : real[2]{" optional" * is_optional}
latent z : {kind(law)}{shape_text(shape)} ~ {prior}
q {{ x -> z{drawn} via mlp(4) }}
p {{ z -> x via mlp(4) }}
minimize KL(q || p)
"""
    )()
    x = torch.randn(1, 2)
    batch = {"x": x}
    exact, error = _rate(objective, batch, law, prior, shape)
    if is_optional:  # a row without data has the prior, and no rate
        batch = {"x": torch.cat([x, x]), "seen(x)": torch.tensor([True, False])}
        exact, error = exact / 2, error / 2
    with torch.no_grad():
        noise = objective.draw_noise(batch["x"])
        if not law.entropy:  # its rate is an estimate at a sample: so is what it is held to
            found = torch.stack([objective(batch).terms["rate_z"] for _ in range(200)])
            error = math.hypot(error, found.std().item() / math.sqrt(len(found)))
            rate = found.mean().item()
        else:
            rate = objective(batch, noise).terms["rate_z"].item()
    assert rate == pytest.approx(exact, abs=ERRORS * error + 1e-9)


def _rate(
    objective: Objective, batch: dict[str, Tensor], law: Law, prior: Law, shape: tuple[int, ...]
) -> tuple[float, float]:
    """E[log q(z) - log p(z)] and its standard error."""
    with torch.no_grad():
        posterior = objective.infer(batch)["z"]
    if law.gradient == "relaxed":
        assert isinstance(posterior, Categorical)
        logs = posterior.logits.log_softmax(dim=-1)
        return (logs.exp() * (logs + math.log(CLASSES))).sum().item(), 0.0
    noise = torch.randn(DRAWS, *shape)

    def sample(eps: Tensor) -> Tensor:
        with torch.no_grad():
            q = objective.infer({"x": batch["x"].expand(len(eps), -1)})["z"]
        found: Tensor = q.sample(eps)
        return found

    z = noise.clone().requires_grad_()
    mapped = sample(z)
    columns = mapped.reshape(DRAWS, -1)
    rows = [
        torch.autograd.grad(columns[:, k].sum(), z, retain_graph=True)[0].reshape(DRAWS, -1)
        for k in range(columns.shape[1])
    ]
    log_det = torch.linalg.slogdet(torch.stack(rows, dim=1)).logabsdet
    own = -0.5 * (noise.square() + math.log(2 * math.pi)).reshape(DRAWS, -1).sum(dim=1) - log_det
    with torch.no_grad():
        names = {
            "normal": "unit",
            "laplace": "unit_laplace",
            "log_normal": "scaled_log_normal",
        }
        value = mapped.reshape(-1).numpy()
        predicted = Predicted(value, (np.zeros_like(value),), 0.0, 1)
        other = DENSITIES[names[prior.word]](predicted).reshape(DRAWS, -1).sum(axis=1)
        logs = own - torch.from_numpy(other)
    return logs.mean().item(), (logs.std() / math.sqrt(DRAWS)).item()


@pytest.mark.parametrize("law", LABELS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_known_label_of_each_law_is_not_sampled(law: Law, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    objective = emitted_class(
        f"""model labels
observed x : real[2]
observed y : {kind(law)}{shape_text(shape)} ~ {law} optional
latent z : real[2] ~ normal
q {{ x -> y via mlp(4); x, y -> z via mlp(4) }}
p {{ y, z -> x via mlp(4) }}
minimize KL(q || p) + CE(y | x)
"""
    )()
    batch = {"x": torch.randn(ROWS, 2), "y": values_of(law, (ROWS, *shape))}
    first, second = objective.draw_noise(batch["x"]), objective.draw_noise(batch["x"])
    second["z"] = first["z"]
    with torch.no_grad():
        labelled = objective(batch, first).loss.item()
        assert labelled == pytest.approx(objective(batch, second).loss.item(), abs=1e-9)
        batch["seen(y)"] = torch.zeros(ROWS, dtype=torch.bool)
        unlabelled = objective(batch, first).loss.item()
    assert math.isfinite(unlabelled)
    assert unlabelled != pytest.approx(labelled, abs=1e-6)


@pytest.mark.parametrize("law", ROOTS, ids=str)
def test_p_draws_its_roots_from_the_prior_of_each_law(law: Law) -> None:
    torch.manual_seed(0)
    role, optional = ("latent", "") if law.latent else ("observed", " optional")
    objective = emitted_class(
        f"""model roots
observed x : real[2]
{role} y : {kind(law)} ~ {law}{optional}
latent z : real[2] ~ normal
q {{ x -> y via mlp(4); x, y -> z via mlp(4) }}
p {{ y, z -> x via mlp(4) }}
minimize KL(q || p) + MMD(q(x) || p(x))
"""
    )()
    read: list[Tensor] = []
    objective.get_submodule("p_x").register_forward_pre_hook(lambda _, told: read.append(told[0]))
    batch = {"x": torch.randn(COMPARED, 2), "y": values_of(law, (COMPARED,))}
    with torch.no_grad():
        objective(batch)
    of_p = read[-1]
    if law.kind in ("real", "positive"):  # Stein's identity: E[y d/dy log p(y)] = -1
        value, step = of_p.reshape(-1).numpy(), 1e-6
        zeros = (np.zeros_like(value), np.zeros_like(value))
        density = DENSITIES[law.output.name]
        above, below = (density(Predicted(value + h, zeros, 0.0, 1)) for h in (step, -step))
        stein = value * (above - below) / (2 * step)
        error = stein.std() / math.sqrt(COMPARED)
        assert abs(stein.mean() + 1) < ERRORS * error
        return
    assert ((of_p == 0) | (of_p == 1)).all()
    chance = 1 / (2 if law.kind == "binary" else CLASSES)
    error = math.sqrt(chance * (1 - chance) / COMPARED)
    assert ((of_p.mean(dim=0) - chance).abs() < ERRORS * error).all()


# ---- the records against each other, and against the runtime -------------------------------------


def test_every_output_has_a_density_of_verify() -> None:
    outputs = {law.output.name for law in DECLARED}
    outputs |= {law.scale.output.name for law in LAWS if law.scale is not None}
    assert outputs == DENSITIES.keys()


def test_every_word_of_a_law_is_one_of_the_runtime() -> None:
    words = {law.runtime for law in LAWS} | {law.prior for law in LAWS}
    outputs = [law.output for law in LAWS]
    outputs += [law.scale.output for law in LAWS if law.scale is not None]
    words |= {one.constructor.partition(".")[0] for one in outputs}
    assert words - {""} <= OF_THE_RUNTIME
    for one in outputs:
        found: object = graphdsl_runtime
        for part in one.constructor.split(".") if one.constructor else ():
            found = getattr(found, part)


def test_every_kind_has_a_law_of_its_own() -> None:
    for name in get_args(Kind):
        assert laws_of(name), name
    assert set(kinds_of_latents()) <= set(get_args(Kind))
    assert len({law.written for law in LAWS}) == len(LAWS)
    assert len({law.output.name for law in LAWS}) == len(LAWS)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_divergences_of_a_record_are_to_laws_of_its_kind(law: Law) -> None:
    kinds = {other.written: other.kind for other in LAWS}
    assert {kinds[name] for name in law.divergences} <= {law.kind}
    assert not law.divergences or law.entropy or law.gradient == "none"


SCALED = [law for law in DECLARED if law.scale and law.scale.word == "scale" and law.kind == "real"]


@pytest.mark.parametrize("law", SCALED, ids=str)
def test_power_of_a_scale_is_that_of_its_definition(law: Law) -> None:
    assert law.scale is not None
    value, wide = np.linspace(-3.0, 3.0, 7), 1.7
    zeros, density = (np.zeros_like(value),), DENSITIES[law.scale.output.name]
    scaled = density(Predicted(wide * value, zeros, law.scale.power * math.log(wide), 1))
    expected = density(Predicted(value, zeros, 0.0, 1)) - math.log(wide)
    assert scaled == pytest.approx(expected)


def test_the_runtime_lists_the_likelihoods_of_the_records() -> None:
    listed = {word: one.__name__ for word, one in graphdsl_runtime.LAWS.items()}
    assert listed == {law.word: law.runtime for law in DECLARED}
    for law in DECLARED:
        units = graphdsl_runtime.LAWS[law.word].units
        assert len(units) == len(law.output.parameters)
        assert (set(units) != {"none"}) == law.has_units
        if law.scale is not None and law in SCALED:
            assert units == ("mean", {1: "log_scale", 2: "log_square"}[law.scale.power])


@pytest.mark.parametrize("law", DECLARED, ids=str)
def test_members_that_are_stacked_repeated_or_indexed_keep_their_density(law: Law) -> None:
    torch.manual_seed(0)
    one: Any = emitted_class(Likelihood(law, "", (2,), False, False).spec)().decode(
        {"z": torch.randn(ROWS, 2)}
    )["x"]
    value = values_of(law, (ROWS, 2))
    expected = one.log_prob(value)
    stacked = type(one).stack([one, one[[*range(ROWS)]]])
    both = stacked.log_prob(torch.stack([value, value], dim=1))
    torch.testing.assert_close(both, torch.stack([expected, expected], dim=1))
    torch.testing.assert_close(stacked[:, 1].log_prob(value), expected)
    twice = graphdsl_runtime.repeated(one, 2).log_prob(value.repeat_interleave(2, dim=0))
    torch.testing.assert_close(twice, expected.repeat_interleave(2, dim=0))
    constant = graphdsl_runtime.detached(one)
    torch.testing.assert_close(constant.log_prob(value), expected)
    assert not constant.log_prob(value).requires_grad
