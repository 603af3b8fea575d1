"""Decoders of a family under inference networks that infer only some of its latents."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from graphdsl_runtime import Gaussian, expect
from tests.emitted import emitted_class

SPEC = """model halves
observed x[1..2] : real[3] {scale}
latent z : real[2] ~ normal
latent w[1..2] : real[4] ~ normal
q {{ x[1], x[2] -> z; x[i] -> w[i] for i in 1..2 }}
infer r(i) {{ x[i] -> z, w[i] }}
p {{ z, w[i] -> x[i] {via} for i in 1..2 }}
minimize KL(q || p) + sum(i in 1..2) KL(r(i)(x[i], z, w[i]) || p(x[i], z, w[i]))
"""


@pytest.mark.parametrize("via", ["", "via mlp(8)", "via shared mlp(8)"])
@pytest.mark.parametrize("scale", ["", "~ normal(scale = 0.5)", "~ normal(scale = learned)"])
def test_a_member_alone_is_predicted_as_with_the_others(scale: str, via: str) -> None:
    torch.manual_seed(0)
    objective = emitted_class(SPEC.format(scale=scale, via=via))().double()
    for parameter in objective.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    noise = {
        "z": torch.randn(5, 2, dtype=torch.float64),
        "w": torch.randn(5, 2, 4, dtype=torch.float64),
    }
    terms = objective({"x": x}, noise).terms
    for place, suffix in enumerate(["", "_2"]):
        z, w = (
            Gaussian.split(getattr(objective, f"r_{name}{suffix}")(x[:, place])).sample(draw)
            for name, draw in (("z", noise["z"]), ("w", noise["w"][:, place]))
        )
        both = torch.zeros(5, 2, 4, dtype=torch.float64)
        both[:, place] = w
        decoder = objective.p_x
        assert isinstance(decoder, nn.Module)
        mean = decoder(z, both)[:, place]
        learned = getattr(objective, "log_var_p_x", None)
        log_var = {"": 0.0, "~ normal(scale = 0.5)": 2 * torch.tensor(0.5).log()}.get(scale)
        if log_var is None:
            assert learned is not None
            log_var = learned[place] if learned.dim() else learned
        spread = torch.as_tensor(log_var, dtype=torch.float64).exp().sqrt()
        expected = expect(Gaussian(mean, 2 * spread.log().expand_as(mean)).nll(x[:, place]))
        found = terms[f"reconstruction_x_r_{place + 1}"]
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


def test_an_inference_network_may_infer_one_member_alone() -> None:
    """Network r infers w[1], q neither: p's network of x[2], which reads w[2], does not run."""
    objective = emitted_class("""model one
observed x[1..2] : real[3]
latent z : real[2] ~ normal
latent w[1..2] : real[2] ~ normal
q { x[1], x[2] -> z }
infer r { x[1] -> w[1] }
p { w[i] -> x[i] for i in 1..2 }
minimize KL(r(x[1], w[1]) || p(x[1], w[1]))
""")()
    losses = objective({"x": torch.randn(4, 2, 3)})
    losses.loss.backward()
    assert isinstance(objective.p_x, nn.Module)
    for weights in objective.p_x.parameters():
        assert weights.grad is not None
        assert weights.grad[0].any()  # of member 1
        assert not weights.grad[1].any()  # member 2 does not run
