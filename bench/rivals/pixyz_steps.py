"""Pixyz's VAE model with the yardstick's networks, optimizer and weights."""

__all__ = ["steps"]

import torch
from pixyz.distributions import (  # type: ignore[import-not-found]  # installed in its own environment
    Bernoulli,
    Normal,
)
from pixyz.losses import KullbackLeibler  # type: ignore[import-not-found]  # as above
from pixyz.models import VAE  # type: ignore[import-not-found]  # as above
from torch import Tensor
from torch.distributions import Distribution

from bench.handwritten import LATENTS, PIXELS, HandWrittenVae, adam_step, mlp
from bench.measure import Step
from bench.rivals.contest import contest, require_same_loss


class Inference(Normal):  # type: ignore[misc]  # the base is unknown outside its environment
    """q(z | x)."""

    def __init__(self) -> None:
        super().__init__(var=["z"], cond_var=["x"], name="q")
        self.layers = mlp(PIXELS, 2 * LATENTS)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Mean and scale under Pixyz's names."""
        mean, log_var = self.layers(x).chunk(2, dim=1)
        return {"loc": mean, "scale": torch.exp(0.5 * log_var)}


class Generator(Bernoulli):  # type: ignore[misc]  # as above
    """p(x | z); Pixyz takes probabilities only."""

    def __init__(self) -> None:
        super().__init__(var=["x"], cond_var=["z"], name="p")
        self.layers = mlp(LATENTS, PIXELS)

    def forward(self, z: Tensor) -> dict[str, Tensor]:
        """Probabilities of the pixels under Pixyz's name."""
        return {"probs": torch.sigmoid(self.layers(z))}


def steps() -> dict[str, dict[str, Step]]:
    """A VAE as shipped, and without the argument checks of torch.distributions."""
    handwritten = HandWrittenVae()
    as_shipped, unchecked = _model(handwritten), _model(handwritten)
    with torch.no_grad():
        require_same_loss(
            lambda x: float(handwritten(x)), lambda x: float(as_shipped.test({"x": x}))
        )

    def step_unchecked(x: Tensor) -> None:
        Distribution.set_default_validate_args(False)
        unchecked.train({"x": x})
        Distribution.set_default_validate_args(True)

    return {
        "VAE": {
            "hand-written": adam_step(handwritten, handwritten.parameters()),
            "Pixyz VAE": lambda x: as_shipped.train({"x": x}),
            "Pixyz VAE, argument checks off": step_unchecked,
        }
    }


def _model(handwritten: HandWrittenVae) -> VAE:
    """Pixyz's own VAE from the hand-written one's weights."""
    encoder, decoder = Inference(), Generator()
    encoder.layers.load_state_dict(handwritten.encoder.state_dict())
    decoder.layers.load_state_dict(handwritten.decoder.state_dict())
    prior = Normal(
        loc=torch.tensor(0.0), scale=torch.tensor(1.0), var=["z"], features_shape=[LATENTS]
    )
    return VAE(
        encoder,
        decoder,
        regularizer=KullbackLeibler(encoder, prior),
        optimizer=torch.optim.Adam,
        optimizer_params={"lr": 1e-3, "fused": True},
    )


if __name__ == "__main__":
    contest(steps)
