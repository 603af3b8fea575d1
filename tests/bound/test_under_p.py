"""Terms over samples of p: how its roots are told from what it generates."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from graphdsl.compiler import check_spec, compile_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.notation.gaps import tight_conditions
from graphdsl_runtime import Objective
from tests.emitted import emitted_class

HEAD = """
model generated
param lam = 2
observed x : real[4]
latent   c : categorical(4) ~ categorical
latent   n : real[3] ~ normal
p { c, n -> x via mlp(8) }
minimize JS(q(x) || p(x))"""

#: Ways to say that the code is told from what is generated, and what each is besides constants.
SAME = {
    "a copy": " + lam * D(p || {c -> x -> c'})",
    "an entropy": " + lam * H[p](c | x)",
    "an information": " - lam * I[p](x; c)",
    "a cross-entropy": " + lam * CE[p](c | x)",
}


class Told(nn.Module):
    """A generator that writes c // 2, alike for pairs of codes, and a recogniser of that."""

    def forward(self, *parents: Tensor) -> Tensor:
        if len(parents) == 2:  # the generator, of the one-hot code and the noise
            pair = parents[0].reshape(-1, 2, 2).sum(2)
            return torch.cat([pair, torch.zeros_like(pair)], dim=1)
        return (parents[0][:, :2].repeat_interleave(2, dim=1) - 1) * 1e3


def noise(rows: int) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {"c": torch.randn(rows, 4), "n": torch.randn(rows, 3), "prior(c)": torch.randn(rows, 4)}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_each_way_has_the_recogniser_s_loss(text: str) -> None:
    torch.manual_seed(0)
    objective: Objective = emitted_class(HEAD + text)()
    drawn = noise(16)
    losses = objective({"x": torch.randn(16, 4)}, drawn)
    code = drawn["c"].argmax(1)
    made = objective.get_submodule("p_x")(torch.eye(4)[code], drawn["n"])
    log_r = objective.get_submodule("r_c")(made).log_softmax(1)
    by_hand = -log_r[torch.arange(16), code].mean()
    torch.testing.assert_close(losses.terms["prediction_c_p"], by_hand)
    game = losses.terms["divergence_x"]
    torch.testing.assert_close(losses.loss, game + 2 * by_hand)
    everything = list(objective.parameters())
    slopes = torch.autograd.grad(losses.terms["prediction_c_p"], everything, allow_unused=True)
    trained = {id(one) for one, slope in zip(everything, slopes, strict=True) if slope is not None}
    model = {id(one) for one in objective.parameter_groups()["model"]}
    assert trained == model  # the generator and the recogniser, and no critic


def test_the_term_is_the_entropy_for_the_best_recogniser_and_more_for_any_other() -> None:
    """H(c | x) = log 2, by a generator that keeps one bit of two, and KL more for a worse r."""
    told = {"p(x|c,n)": Told(), "r(c|x)": Told()}
    best = emitted_class(HEAD + SAME["a copy"])(networks=told)
    batch, drawn = {"x": torch.randn(64, 4)}, noise(64)
    assert best(batch, drawn).terms["prediction_c_p"].item() == pytest.approx(math.log(2), abs=1e-6)
    for seed in range(5):
        torch.manual_seed(seed)
        other = emitted_class(HEAD + SAME["a copy"])(networks={"p(x|c,n)": Told()})
        assert other(batch, drawn).terms["prediction_c_p"].item() > math.log(2)


def test_what_is_generated_is_drawn_once_for_the_critic_and_the_recogniser() -> None:
    text = compile_spec(Source("p.mib", HEAD + SAME["a copy"])).text
    forward = text[text.index("def forward") : text.index("return Losses")]
    assert forward.count("self.p_x(") == 1
    assert forward.count("uniform_categorical.sample") == 1


def test_a_code_that_q_infers_as_well_has_a_sample_of_its_prior() -> None:
    text = HEAD.replace("p {", "q { x -> c via mlp(8); x -> n via mlp(8) }\np {")
    objective = emitted_class(text + SAME["a copy"])()
    drawn = noise(8)
    found = objective({"x": torch.randn(8, 4)}, drawn).terms["prediction_c_p"]
    code = torch.eye(4)[drawn["prior(c)"].argmax(1)]
    made = objective.get_submodule("p_x")(code, torch.zeros(8, 3))
    assert made.shape == (8, 4)
    assert found.isfinite()


@pytest.mark.parametrize(
    "term",
    ["I[p](x; c)", "D(p || {c -> x; n})", "- H[p](x | c)", "CE[p](x | c, n)"],
)
def test_what_has_no_bound_under_p_is_refused(term: str) -> None:
    with pytest.raises(SpecError) as found:
        compile_spec(Source("p.mib", f"{HEAD} + {term}".replace("+ -", "-")))
    errors = {one.code for one in found.value.diagnostics if one.severity == "error"}
    assert errors == {"MIB406"}


def test_the_audit_says_what_the_recogniser_bounds() -> None:
    module = read(derive(check_spec(Source("p.mib", HEAD + SAME["an information"])))).module
    (term,) = [one for one in module.terms if one.name == "prediction_c_p"]
    assert term.relation == "upper"
    assert "; ".join(tight_conditions(term)) == "r(c|x) is what p's joint says of c given x"
    assert [str(one.atom) for one in term.stands_for] == ["H[p](c | x)"]
    assert [str(one.atom) for one in module.constants] == ["H[p](c)"]


def test_what_p_conditions_on_and_does_not_generate_is_the_data() -> None:
    """A conditional GAN: the labels of the rows, and noise."""
    text = HEAD.replace("latent   c : categorical(4) ~ categorical", "given c : categorical(4)")
    objective = emitted_class(text)()
    batch = {"x": torch.randn(8, 4), "c": torch.arange(8) % 4}
    drawn = {"n": torch.randn(8, 3)}
    fake = objective.get_submodule("p_x")(torch.eye(4)[batch["c"]], drawn["n"])
    critic = objective.get_submodule("critic_of_x")
    value = nn.functional.logsigmoid(critic(batch["x"])) + nn.functional.logsigmoid(-critic(fake))
    js = math.log(2) + value.mean() / 2
    torch.testing.assert_close(objective(batch, drawn).terms["divergence_x"], js)
