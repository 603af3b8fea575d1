"""A spec means the same, whatever its variables are called.

Every name that a spec gives is replaced: by one that its own emitted code uses, by one that looks
like those of the compiler, or by one of random length. The loss, its terms, its gradients, and what
`infer` and `generate` answer stay as they were, with weights carried over network by network, and
data and noise variable by variable.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import pytest
import torch
from torch import Tensor

from graphdsl import SpecError, compile_spec
from graphdsl.compiler import GeneratedModule
from graphdsl.slots.reserved import why_reserved
from graphdsl_runtime import Objective, Variable
from tests.corpus import Case, compiled, documented, generated, shipped, some
from tests.emitted import class_of, small
from tests.laws.renamed import declared_names, legal_name, renamed, words

#: Names of the kinds that emitted code has: of its results, its arguments and its words.
LIKE_OURS = (
    "x_p z_r_1 u_1_2 z_1 x_1 s_z log_q_u seen_x one_hot_y experts_z q_z p_x r_z q_z_each rate_z "
    "reconstruction_x noise batch loss self latents given_ forward infer_ decode torch Tensor "
    "Gaussian mlp standard_normal subsets_z present_z chance expert_z z_k critic_z critic_of_z "
    "mask_M loss_q loss_p loss_q_p multiplier constraint lambda class None_ _ __ _x x_ range super "
    "z_held z_for_p label_y "
    "z_drawn importance q_z_known r_a_frozen seen z_frozen divergence_z samples rows x_2 z_p_2 r_a"
).split()
ROWS = 5


def test_renaming_leaves_every_loss_as_it_was() -> None:
    """Shipped and documented specs, a share of them for each commit, and generated ones."""
    cases = [*some("renaming", [*shipped(), *documented()], 8), *generated("renaming", 12)]
    tried = sum(_is_the_same_renamed(case, random.Random(case.name)) for case in cases)
    assert tried >= len(cases) // 4, "most cases were refused"


COLLISIONS = {
    "p's sample of x is another's name": (
        "observed x : real[4] ~ normal(scale = 0.3)\nobserved y : real[4] ~ normal(scale = 0.3)\n"
        "latent z : real[2] ~ normal\nq { x, y -> z }\np { z -> x; z -> y }\n"
        "minimize KL(q || p) - I[p](x; z)",
        {"y": "x_p"},
    ),
    "p's sample of z is another's name": (
        "observed x : real[4]\nlatent z : real[2] ~ normal\nlatent u : real[2] ~ normal\n"
        "q { x -> z; x -> u }\np { z, u -> x }\nminimize KL(q || p) + MMD(q(u) || p(u))",
        {"z": "u_p", "x": "q_u"},
    ),
    "r's sample of z is another's name": (
        "observed x[1..2] : real[3]\nlatent z : real[2] ~ normal\nlatent u : real[2] ~ normal\n"
        "q { x -> z, u }\ninfer r(i) { x[i] -> z, u }\np { z, u -> x }\n"
        "minimize KL(q || p) + sum(i in 1..2) KL(r(i)(x[i], z, u) || p(x[i], z, u))",
        {"u": "z_r_1"},
    ),
    "some members are another's name": (
        "observed x : real[3]\nobserved y : real[3]\nlatent u[1..3] : real[2] ~ normal\n"
        "latent z : real[2] ~ normal\nq { x -> u[1]; x, y -> u[2], u[3]; u[1], u[2] -> z }\n"
        "p { u, z -> x, y }\nminimize KL(q || p)",
        {"z": "u_1_2", "x": "u_2_3"},
    ),
    "a member declared alone is another's name": (
        "observed x[1] : real[3]\nobserved x[2] : binary[4]\nobserved y : real[2]\n"
        "latent z : real[2] ~ normal\nq { x[1], x[2], y -> z }\n"
        "p { z -> x[1]; z -> x[2]; z -> y }\n"
        "minimize KL(q || p)",
        {"y": "x_2", "z": "x_1"},
    ),
    "the density of a flow is another's name": (
        "observed x : real[3]\nlatent z : real[2] ~ normal\nlatent u : real[2] ~ normal\n"
        "q { x -> u ~ flow; x -> z }\np { z, u -> x }\nminimize KL(q || p)",
        {"z": "log_q_u", "x": "q_u"},
    ),
    "masks, vectors and products are others' names": (
        "observed x[1..2] : real[3] optional\nobserved y : categorical(3)\n"
        "latent z : real[2] ~ normal\nlatent u : real[2] ~ normal\nlatent v : real[2] ~ normal\n"
        "q { x -> z by poe; y -> u; y -> v }\np { z, u, v -> x; u -> y }\nminimize KL(q || p)",
        {"u": "seen_x", "z": "one_hot_y", "v": "experts_z", "y": "present_z"},
    ),
    "arguments and words are variables' names": (
        "observed x : real[3]\nobserved y : real[2]\nlatent z : real[2] ~ normal\n"
        "latent u : real[2] ~ normal\nlatent v : real[2] ~ normal\n"
        "q { x, y -> z; x -> u; y -> v }\np { z, u, v -> x; z -> y }\nminimize KL(q || p)",
        {"x": "noise", "y": "batch", "z": "self", "u": "expect_", "v": "loss"},
    ),
    "networks are called what variables were": (
        "observed x[1..2] : real[3]\nlatent z : real[2] ~ normal\nq { x -> z }\n"
        "infer r(i) { x[i] -> z }\np { z -> x }\n"
        "minimize KL(q || p) + sum(i in 1..2) KL(r(i)(x[i], z) || p(x[i], z))",
        {"r": "q_z", "z": "q_z_1", "x": "z_q_z_1"},
    ),
    "two labels of one text": (
        "observed x : real[3]\nlatent a : real[2] ~ normal\nlatent b : real[2] ~ normal\n"
        "latent c : real[2] ~ normal\nlatent d : real[2] ~ normal\n"
        "q { x -> a; x -> b; x -> c; x -> d }\np { a, b, c, d -> x }\n"
        "minimize KL(q || p) + I(a; b) + I(c; d)\n"
        "estimate I(a; b) with adversary\nestimate I(c; d) with adversary",
        {"a": "u_v", "b": "w", "c": "u", "d": "v_w"},
    ),
    "a member of a variable called by an underscore": (
        "observed x : real[3]\nlatent u[1..2] : real[2] ~ normal\n"
        "q { x -> u[1] ~ flow; x, u[1] -> u[2] ~ flow }\np { u -> x }\nminimize KL(q || p)",
        {"u": "_"},
    ),
    "the losses of players are variables' names": (
        "observed x : real[3]\nobserved y : real[2]\nlatent z : real[2] ~ normal\n"
        "q { x -> z }\np { z -> x; z -> y }\nminimize KL(q || p) for q\n"
        "minimize KL(q || p) for p",
        {"x": "loss_q", "y": "loss_p", "z": "loss"},
    ),
    "entropies of latents in another order of the alphabet": (
        "observed x : real[3]\nlatent z : real[2] ~ normal\nlatent u : real[2] ~ normal\n"
        "q { x -> z; x -> u }\np { z, u -> x }\n"
        "minimize CE(x | z, u) - H(z | x) - 2 * H(u | x)",
        {"z": "a", "u": "b"},
    ),
    "parameters, masks and constants": (
        "const n = 3\nparam beta = 2 in 0..4\nparam gain = 0.5 in 0..1\nobserved x : real[n]\n"
        "observed y : real[n]\nlatent z[1..2] : real[2] ~ normal\n"
        "mask M[1..2, 1..2] : learned bernoulli(0.5)\nq { x, y -> z }\n"
        "p { z[i] -> x if M[1, i] for i in 1..2; z[i] -> y if M[2, i] for i in 1..2 }\n"
        "minimize KL(q || p) + gain * H(z | x) + beta * sparsity(M)",
        {"beta": "q_z", "gain": "p_x", "M": "z_1", "n": "noise"},
    ),
}


@pytest.mark.parametrize(("text", "names"), COLLISIONS.values(), ids=COLLISIONS.keys())
def test_a_name_of_ours_is_nobody_elses(text: str, names: Mapping[str, str]) -> None:
    case = Case("collision", f"model made\n{text}\n")
    made = compiled(case)
    assert made is not None
    _compare(made, compile_spec(Case("renamed", renamed(case.text, names)).source), names)


def _is_the_same_renamed(case: Case, chance: random.Random) -> bool:
    """Whether a case compiles; that it means the same under other names is asserted."""
    case = case.without_assertions()
    made = compiled(case)
    names = dict(_other_names(case.text, made, chance))
    text = renamed(case.text, names, model=legal_name(chance))
    if made is None:
        assert _codes(case.text) == _codes(text), text
        return False
    other = compile_spec(Case("renamed", text).source)
    if not any(slot.builder.module for slot in made.compiled.module.networks):
        _compare(made, other, names)  # else the networks are the caller's own
    return True


def _other_names(
    text: str, made: GeneratedModule | None, chance: random.Random
) -> Iterator[tuple[str, str]]:
    """A legal name for each that the spec gives, of the kinds that may do harm."""
    own = [*_assigned(made.text)] if made is not None else []
    taken: set[str] = set()
    for name, what in declared_names(text).items():
        pool = [*own, *LIKE_OURS]
        wish = chance.choice(pool) if chance.random() < 0.8 else legal_name(chance)
        while wish in taken or why_reserved(wish, what) or _is_of_the_text(wish, text):
            wish = chance.choice([*pool, legal_name(chance)])
        taken.add(wish)
        yield name, wish


def _is_of_the_text(word: str, text: str) -> bool:
    """Whether a spec has a word already: an index, a setting, a kind."""
    return word in words(text)


def _assigned(text: str) -> Iterator[str]:
    """What the methods of emitted code assign, in an order that does not change."""
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name))
    yield from dict.fromkeys(node.id for node in nodes if isinstance(node.ctx, ast.Store))


def _codes(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        compile_spec(Case("refused", text).source)
    return [one.code for one in caught.value.diagnostics if one.severity == "error"]


# ---- the same weights, data and noise ------------------------------------------------------------


def _compare(first: GeneratedModule, second: GeneratedModule, names: Mapping[str, str]) -> None:
    one, other = _objective(first), _objective(second)
    attributes = dict(_attributes(first, second, names))
    carried = {_carried(key, attributes, names): value for key, value in one.state_dict().items()}
    other.load_state_dict(carried)
    batch = _batch(one)
    of_other = {renamed(key, names): value for key, value in batch.items()}
    _assert_equal_losses(one, other, batch, of_other, attributes)
    _assert_equal_answers(one, other, batch, of_other)


def _objective(made: GeneratedModule) -> Objective:
    torch.manual_seed(1)
    objective = class_of(small(made))().double()
    objective.rows = 100
    return objective.eval()  # dropout draws from torch's own generator


def _attributes(
    first: GeneratedModule, second: GeneratedModule, names: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The attributes of two modules that hold the same: networks are matched by printed names."""
    one, other = first.compiled.module, second.compiled.module
    keep_r = {old: new for old, new in names.items() if old != "r"}  # r(a|u) is made for a bound
    known = {slot.names: slot for slot in other.networks}
    for slot in one.networks:
        printed = [tuple(renamed(each, by) for each in slot.names) for by in (names, keep_r)]
        match = next((known[each] for each in printed if each in known), None)
        assert match is not None, f"{slot.names} is none of {list(known)}"
        yield slot.attribute, match.attribute
        if slot.scale is not None and match.scale is not None:
            yield slot.scale.attribute, match.scale.attribute
    for mask, masked in zip(one.masks, other.masks, strict=True):
        yield mask.attribute, masked.attribute
    for group, grouped in zip(one.groups, other.groups, strict=True):
        yield group.multiplier, grouped.multiplier
    for parameter in one.parameters:
        yield parameter.name, names.get(parameter.name, parameter.name)


def _carried(key: str, attributes: Mapping[str, str], names: Mapping[str, str]) -> str:
    """A key of the state of a module under other names."""
    head, dot, rest = key.partition(".")
    if head in attributes:
        return f"{attributes[head]}{dot}{rest}"
    of, mark, name = rest.partition("_")
    if head == "statistics":  # `mean_x`, `spread_x`
        return f"{head}.{of}{mark}{renamed(name, names)}"
    return f"{head}{dot}{names.get(rest, rest)}"  # the step, the rows, and parameters


def _batch(objective: Objective) -> dict[str, Tensor]:
    """Data of all kinds; what rows may lack is missing in some."""
    generator = torch.Generator().manual_seed(2)
    found: dict[str, Tensor] = {}
    for one in objective.variables:
        if one.role != "latent":
            found[one.name] = _values(one, generator)
        if one.optional:
            count = () if one.members is None else one.grid
            found[f"seen({one.name})"] = torch.rand(ROWS, *count, generator=generator) > 0.3
    return found


def _values(one: Variable, generator: torch.Generator) -> Tensor:
    size = (ROWS, *one.tensor_shape)
    if one.kind == "real":
        return torch.randn(size, generator=generator, dtype=torch.float64)
    if one.kind == "positive":
        return torch.randn(size, generator=generator, dtype=torch.float64).exp()
    values = torch.randint(one.classes or 2, size, generator=generator)
    return values if one.kind == "categorical" else values.double()


def _assert_equal_losses(
    one: Objective,
    other: Objective,
    batch: Mapping[str, Tensor],
    of_other: Mapping[str, Tensor],
    attributes: Mapping[str, str],
) -> None:
    torch.manual_seed(3)
    losses = one(batch)
    torch.manual_seed(3)
    others = other(of_other)
    _assert_close([losses.loss, *losses.terms.values()], [others.loss, *others.terms.values()])
    _assert_close(list(losses.players.values()), list(others.players.values()))
    parameters = dict(one.named_parameters())
    known = dict(other.named_parameters())
    mine = list(parameters.values())
    theirs = [known[_carried(key, attributes, {})] for key in parameters]
    for player, played in zip(losses.players.values(), others.players.values(), strict=True):
        _assert_close(_gradients(player, mine), _gradients(played, theirs))


def _gradients(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    if not loss.requires_grad or not parameters:
        return []
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return [
        torch.zeros_like(parameter) if slope is None else slope
        for parameter, slope in zip(parameters, found, strict=True)
    ]


def _assert_equal_answers(
    one: Objective,
    other: Objective,
    batch: Mapping[str, Tensor],
    of_other: Mapping[str, Tensor],
) -> None:
    """What both infer, and generate where nothing has to be given."""
    posteriors, others = one.infer(batch), other.infer(of_other)
    means = ([each.mean for each in some.values()] for some in (posteriors, others))
    _assert_close(*means)
    if any(each.role == "given" for each in one.variables):
        return
    made = []
    for objective in (one, other):
        torch.manual_seed(4)
        try:
            made.append(list(objective.generate(3).values()))
        except Exception as error:  # what has to be given, or no network of p: the same for both
            made.append([torch.tensor(len(type(error).__name__))])
    _assert_close(*made)


def _assert_close(mine: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
    for one, other in chain(zip(mine, theirs, strict=True)):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12, equal_nan=True)
