"""Pythae's VAE and BetaTCVAE with the yardstick's networks, optimizer and weights.

Its trainer brings a data loader and callbacks; what is timed here is the model alone, as the
trainer calls it. BetaTCVAE samples the whole KL (alpha = gamma = 1) where the yardstick has the
closed-form rate, and its sampling weights are those of the published code.
"""

__all__ = ["steps"]

import torch
from pythae.models import (  # type: ignore[import-not-found]  # installed in its own environment
    VAE,
    BetaTCVAE,
    BetaTCVAEConfig,
    VAEConfig,
)
from pythae.models.base.base_utils import (  # type: ignore[import-not-found]  # as above
    ModelOutput,
)
from pythae.models.nn import (  # type: ignore[import-not-found]  # as above
    BaseDecoder,
    BaseEncoder,
)
from torch import Tensor

from bench.handwritten import (
    BETA,
    LATENTS,
    PIXELS,
    ROWS,
    HandWrittenBetaTcvae,
    HandWrittenVae,
    adam_step,
    mlp,
)
from bench.measure import Step
from bench.rivals.contest import contest, require_same_loss


class Encoder(BaseEncoder):  # type: ignore[misc]  # the base is unknown outside its environment
    """The yardstick's encoder behind Pythae's interface."""

    def __init__(self) -> None:
        BaseEncoder.__init__(self)
        self.latent_dim = LATENTS
        self.layers = mlp(PIXELS, 2 * LATENTS)

    def forward(self, x: Tensor) -> object:
        """Mean and log-variance under Pythae's names."""
        mean, log_var = self.layers(x).chunk(2, dim=1)
        return ModelOutput(embedding=mean, log_covariance=log_var)


class Decoder(BaseDecoder):  # type: ignore[misc]  # as above
    """The yardstick's decoder behind Pythae's interface, which wants probabilities."""

    def __init__(self) -> None:
        BaseDecoder.__init__(self)
        self.layers = mlp(LATENTS, PIXELS)

    def forward(self, z: Tensor) -> object:
        """Probabilities of the pixels."""
        return ModelOutput(reconstruction=torch.sigmoid(self.layers(z)))


def steps() -> dict[str, dict[str, Step]]:
    """VAE and beta-TCVAE, each beside the hand-written one."""
    sizes = {"input_dim": (PIXELS,), "latent_dim": LATENTS, "reconstruction_loss": "bce"}
    vae = VAE(VAEConfig(**sizes), Encoder(), Decoder())
    tcvae = BetaTCVAE(BetaTCVAEConfig(beta=BETA, **sizes), Encoder(), Decoder())
    return {
        "VAE": _pair(HandWrittenVae(), "Pythae VAE", vae),
        "beta-TCVAE": _pair(HandWrittenBetaTcvae(), "Pythae BetaTCVAE", tcvae),
    }


def _pair(handwritten: HandWrittenVae, name: str, rival: torch.nn.Module) -> dict[str, Step]:
    """Both steps, from equal weights."""
    rival.encoder.layers.load_state_dict(handwritten.encoder.state_dict())  # type: ignore[union-attr]  # a module, by Pythae's interface
    rival.decoder.layers.load_state_dict(handwritten.decoder.state_dict())  # type: ignore[union-attr]  # as above

    def loss(x: Tensor) -> Tensor:
        output = rival({"data": x}, dataset_size=ROWS)
        nats: Tensor = output.loss
        return nats

    with torch.no_grad():
        require_same_loss(lambda x: float(handwritten(x)), lambda x: float(loss(x)))
    return {
        "hand-written": adam_step(handwritten, handwritten.parameters()),
        name: adam_step(loss, rival.parameters()),
    }


if __name__ == "__main__":
    contest(steps)
