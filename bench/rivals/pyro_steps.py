"""A VAE as a Pyro model and guide with the yardstick's networks and weights.

The ELBO has the closed-form rate (TraceMeanField_ELBO). `SVI.step` keeps one optimizer per
parameter; the last row takes the same ELBO to one fused Adam instead.
"""

__all__ = ["steps"]

import pyro  # type: ignore[import-not-found]  # installed in its own environment
import torch
from pyro import distributions as dist
from pyro.infer import SVI, TraceMeanField_ELBO  # type: ignore[import-not-found]  # as above
from torch import Tensor

from bench.handwritten import LATENTS, PIXELS, HandWrittenVae, adam_step, mlp
from bench.measure import Step
from bench.rivals.contest import contest, require_same_loss


class PyroVae:
    """Model and guide; the tag keeps their parameters apart in Pyro's global store."""

    def __init__(self, tag: str, handwritten: HandWrittenVae) -> None:
        self.tag = tag
        self.encoder, self.decoder = mlp(PIXELS, 2 * LATENTS), mlp(LATENTS, PIXELS)
        self.encoder.load_state_dict(handwritten.encoder.state_dict())
        self.decoder.load_state_dict(handwritten.decoder.state_dict())

    def model(self, x: Tensor) -> None:
        """p(z) p(x | z)."""
        pyro.module(f"{self.tag}.decoder", self.decoder)
        with pyro.plate("rows", len(x)):
            prior = dist.Normal(x.new_zeros(len(x), LATENTS), x.new_ones(len(x), LATENTS))
            z = pyro.sample("z", prior.to_event(1))
            pyro.sample("x", dist.Bernoulli(logits=self.decoder(z)).to_event(1), obs=x)

    def guide(self, x: Tensor) -> None:
        """q(z | x)."""
        pyro.module(f"{self.tag}.encoder", self.encoder)
        with pyro.plate("rows", len(x)):
            mean, log_var = self.encoder(x).chunk(2, dim=1)
            pyro.sample("z", dist.Normal(mean, torch.exp(0.5 * log_var)).to_event(1))

    def svi(self) -> SVI:
        """Pyro's own training loop body."""
        adam = pyro.optim.Adam({"lr": 1e-3, "fused": True})
        return SVI(self.model, self.guide, adam, loss=TraceMeanField_ELBO())

    def loss(self, x: Tensor) -> Tensor:
        """The ELBO's negative per row, for an optimizer of torch."""
        nats: Tensor = TraceMeanField_ELBO().differentiable_loss(self.model, self.guide, x)
        return nats / len(x)


def steps() -> dict[str, dict[str, Step]]:
    """A VAE as shipped, without Pyro's checks, and without them and with one optimizer."""
    handwritten = HandWrittenVae()
    as_shipped = PyroVae("as shipped", handwritten).svi()
    unchecked = PyroVae("unchecked", handwritten).svi()
    single = PyroVae("single", handwritten)
    parameters = [*single.encoder.parameters(), *single.decoder.parameters()]
    single_step = adam_step(single.loss, parameters)
    with torch.no_grad():
        require_same_loss(
            lambda x: float(handwritten(x)), lambda x: float(as_shipped.evaluate_loss(x)) / len(x)
        )

    def step_unchecked(x: Tensor) -> None:
        with pyro.validation_enabled(False):
            unchecked.step(x)

    def step_single(x: Tensor) -> None:
        with pyro.validation_enabled(False):
            single_step(x)

    return {
        "VAE": {
            "hand-written": adam_step(handwritten, handwritten.parameters()),
            "Pyro SVI": as_shipped.step,
            "Pyro SVI, checks off": step_unchecked,
            "Pyro ELBO, checks off, one Adam": step_single,
        }
    }


if __name__ == "__main__":
    contest(steps)
