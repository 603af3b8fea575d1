"""Random objectives in which cross-entropies, bounds and estimates have weights of every sign."""

from __future__ import annotations

__all__ = ["signed_spec"]

import random

_RANGES = ("", " in 0..inf", " in 1..3", " in -inf..0", " in -1..1", " in -2..-1")
_NUMBERS = ("2", "0.5", "1", "3")


def signed_spec(seed: int) -> str:
    """A spec for a seed: a small model, and terms that pull its networks to either side."""
    return "\n".join(_Generator(random.Random(seed)).lines()) + "\n"


class _Generator:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.parameters = [name for name in ("alpha", "beta", "gamma") if self._may(0.6)]
        self.optional = " optional" if self._may(0.15) else ""
        self.further = self._may(0.5)
        self.prior = self._may(0.5)  # learned: p(z | w)
        self.masked = self._may(0.1)
        self.predicted = self._may(0.6)  # s is p's own to predict
        self.estimated: list[str] = []

    def lines(self) -> list[str]:
        scale = self.chance.choice(["", " ~ normal(scale = learned)", " ~ normal(scale = 0.5)"])
        lines = [
            "model signed",
            *(f"param {name} = {self._start(name)}" for name in self.parameters),
            f"observed x[1..2] : real[3]{scale}{self.optional}",
            "observed s : binary",
            "observed e : categorical(2)",
            "given w : real[2]",
            f"latent z : real[2]{'' if self.prior else ' ~ normal'}",
            "latent u[1..2] : real ~ normal",
            f"q {{ x, w -> z{self.chance.choice(['', ' by poe', ' by mixture', ' ~ flow'])}",
            "    w -> u }",
            self._generation(),
        ]
        if self.further:
            lines.append(f"infer r {{ w -> z{self.chance.choice(['', ' by poe'])} }}")
        if self.masked:
            lines.insert(1, "mask M[1..2] : learned bernoulli(0.5)")
        goal = self._objective()
        lines.append(f"minimize {goal}")
        if self._may(0.2):
            lines.append(f"subject to {self.chance.choice(['', '-'])}{self._prediction()} <= 0.5")
        elif self._may(0.15):
            lines[-1] += " for q, p"
            lines.append(f"minimize {self.chance.choice(['', '-'])}CE(s | u) for predictors")
        return [*lines, *dict.fromkeys(self.estimated)]

    def _start(self, name: str) -> str:
        range_ = self.chance.choice(_RANGES)
        return {" in -inf..0": "-1", " in -2..-1": "-1"}.get(range_, "1") + range_

    def _generation(self) -> str:
        mask = " if M[i]" if self.masked else ""
        shared = self.chance.choice([f"z, u -> x[i]{mask} for i in 1..2", "z, u -> x"])
        lines = [shared if not self.masked else f"z -> x[i]{mask} for i in 1..2; u"]
        lines += ["w -> z"] * self.prior + ["z -> s"] * self.predicted
        return "p { " + "; ".join(lines) + " }"

    def _objective(self) -> str:
        whole = self.chance.choice(["KL(q || p)", "KL(q || p)", "KL(q || p) with iwae(k = 3)"])
        terms = [self.chance.choice([whole, whole, "CE(x | z, u)", "KL(q(u | w) || p(u))"])]
        for _ in range(self.chance.randint(1, 4)):
            terms += [self.chance.choice("+-"), self._weight(), "*", self._term()]
        return " ".join(terms)

    def _weight(self) -> str:
        return self.chance.choice(
            [*_NUMBERS, *self.parameters, *(f"({one} - 1)" for one in self.parameters)]
        )

    def _term(self) -> str:
        plain = (self._prediction, self._prediction, self._information, self._divergence)
        chosen = self.chance.choice([*plain, self._signed])
        return chosen()

    def _prediction(self) -> str:
        several = [
            "CE(s | z)",
            "CE(s | u)",
            "CE(x[1] | z, u)",
            "CE(x | z, u)",
            "cost(x | z, u, squared)",
            "cost(x[2] | z, u, huber)",
            "irm(s | z, e)",
            "vrex(x[1] | z, e)",
            "dro(s | z, e)",
            "CE(e | u)",
            "KL(q(z | x, w) || p(z | w))",
            "CE(x[2] | u)",
        ]
        several += [] if self.prior else ["KL(q(x, z, u) || frozen(p(x, z, u)))"]
        several += ["KL(q(z | x, w) || r(z | w))", "CE[r](s | z)"] if self.further else []
        return self.chance.choice(several)

    def _information(self) -> str:
        what, estimators = self.chance.choice(
            [
                ("TC(u)", ("mss", "mws", "loo", "adversary", "")),
                ("I(z; u)", ("adversary", "mine", "mmd", "")),
                ("I(u; s)", ("", "", "mine")),
                ("I(z; w)", ("",)),
                ("I(z; s)", ("", "mmd")),
                ("D(q || {x -> z -> s})", ("",)),
                ("H(s | u)", ("",)),
            ]
        )
        estimator = self.chance.choice(estimators)
        if estimator:
            self.estimated.append(f"estimate {what} with {estimator}")
        return what

    def _divergence(self) -> str:
        return self.chance.choice(
            [
                "MMD(q(u) || p(u))",
                "W(q(u) || p(u))",
                "JS(q(x) || p(x))",
                "KL(q(u) || p(u)) with adversary",
                "MMD(q(u) || p(u))",
            ]
        )

    def _signed(self) -> str:
        inside = self.chance.choice([self._prediction, self._information])()
        minus = self.chance.choice(["", "-"])
        return self.chance.choice([f"max({minus}{inside}, 0.5)", f"abs({minus}{inside} - 1)"])

    def _may(self, probability: float) -> bool:
        return self.chance.random() < probability
