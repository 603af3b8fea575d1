"""Random specs that the grammar allows: most mean something, some do not."""

from __future__ import annotations

__all__ = ["generated_spec"]

import random

from tests.generated_views import generated_views

KINDS = ["real", "real[3]", "binary", "binary[4]", "categorical(3)", "count", "real[2, 2]"]
PRIORS = ["normal", "normal", "normal", "laplace", "categorical"]


def generated_spec(seed: int) -> str:
    """A spec for a seed: declarations, networks, an objective, and perhaps more.

    One in four is of views that rows may lack.
    """
    if seed % 4 == 3:
        return generated_views(seed)
    return "\n".join(_Generator(random.Random(seed)).lines()) + "\n"


class _Generator:
    """One spec in the making: what it has declared so far, and how it may go on."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.data: list[str] = []
        self.given: list[str] = []
        self.latents: list[str] = []
        self.sizes: dict[str, int] = {}
        self.parameters: list[str] = []
        self.further: list[str] = []
        self.above: dict[str, str] = {}  # what q infers a latent from
        self.compared: list[str] = []  # rates between two inference networks

    def lines(self) -> list[str]:
        written = ["model made", *self._parameters(), *self._variables()]
        written += [self._inference(), *self._more_inference(), self._generation()]
        written.append(f"minimize {' '.join(self._objective())}")
        if self._may(0.2):
            written.append(f"subject to {self._information()} <= 0.5")
        if self._may(0.5):
            sign = self.chance.choice(["==", "<=", ">="])
            written.append(f"assert {self._entropic()} {sign} {self._entropic()}")
        return self._played(written)

    def _played(self, written: list[str]) -> list[str]:
        """The same, perhaps with objectives by player, and with turns."""
        main = "model"
        if self._may(0.15):
            main = "q"
            goal = next(at for at, line in enumerate(written) if line.startswith("minimize"))
            owners = ["q, p", "p, q, predictors", *(f"q, p, {name}" for name in self.further)]
            chosen = self.chance.choice(["q", *owners])
            written[goal] += f" for {chosen}"
            if chosen == "q":
                own = " ".join(self._objective())
                written.insert(goal + 1, f"minimize {own} for p")
        if self._may(0.15):
            player = self.chance.choice([main, main, "critic", "multiplier"])
            written.append(f"turns {player} = {self.chance.randint(1, 3)}")
        return written

    # ---- declarations --------------------------------------------------------------------------

    def _parameters(self) -> list[str]:
        self.parameters = [name for name in ("alpha", "beta") if self._may(0.5)]
        ranges = ["", " in 0..4", " in 1..inf", " in -1..1"]
        values = ["1", "1", "ramp(0, 1, steps = 10)"]
        return [
            f"param {name} = {self.chance.choice(values)}{self.chance.choice(ranges)}"
            for name in self.parameters
        ]

    def _variables(self) -> list[str]:
        written = []
        for name in ["x", "y"][: self.chance.randint(1, 2)]:
            self.data.append(name)
            optional = " optional" if self._may(0.25) else ""
            written.append(f"observed {self._declared(name)} : {self._kind()}{optional}")
        if self._may(0.2):
            self.given.append("w")
            written.append(f"given w : {self._kind()}")
        for name in ["z", "u"][: self.chance.randint(1, 2)]:
            self.latents.append(name)
            prior = self.chance.choice(PRIORS)
            kind = "categorical(4)" if prior == "categorical" else "real[2]"
            kind = "real" if kind != "categorical(4)" and self._may(0.4) else kind
            written.append(f"latent {self._declared(name)} : {kind} ~ {prior}")
        return written

    def _declared(self, name: str) -> str:
        if self._may(0.6):
            return name
        self.sizes[name] = self.chance.randint(1, 3)
        return f"{name}[1..{self.sizes[name]}]"

    def _kind(self) -> str:
        return self.chance.choice(KINDS)

    # ---- networks ------------------------------------------------------------------------------

    def _inference(self) -> str:
        lines = []
        for place, name in enumerate(self.latents):
            seen = [*self.data, *self.given]
            above = self.chance.sample(seen, min(len(seen), 1 + self._may(0.4)))
            above += self.latents[:place] if self._may(0.4) else []
            self.above[name] = ", ".join(above)
            lines.append(f"{self.above[name]} -> {name}{self._modifier()}")
        return "q { " + "; ".join(lines) + " }"

    def _more_inference(self) -> list[str]:
        if not self._may(0.2):
            return []
        self.further.append("r")
        lines = []
        for place, name in enumerate(self.latents):
            above = [self.data[0], *(self.latents[:place] if self._may(0.5) else [])]
            lines.append(f"{', '.join(above)} -> {name}")
            self.compared.append(
                f"KL(q({name} | {self.above[name]}) || r({name} | {', '.join(above)}))"
            )
        return [f"infer r {{ {'; '.join(lines)} }}"]

    def _generation(self) -> str:
        lines = []
        for name in self.data:
            above = [one for one in self.latents if self._may(0.7)] or self.latents[:1]
            lines.append(f"{', '.join(above)} -> {name}")
        if self._may(0.2) and len(self.latents) > 1:
            lines.append(f"{self.latents[1]} -> {self.latents[0]}")
        if self._may(0.2) and self.given:
            lines.append(f"w -> {self.latents[0]}")
        lines += [name for name in self.latents if not any(name in line for line in lines)]
        return "p { " + "; ".join(lines) + " }"

    def _modifier(self) -> str:
        plain = ["", "", "", " by poe", " by mixture", " by joint", " via mlp(8)"]
        richer = [" by poe via shared mlp(8)", " ~ normal(full)", " ~ flow"]
        return self.chance.choice([*plain, *plain, *richer])

    # ---- terms ---------------------------------------------------------------------------------

    def _objective(self) -> list[str]:
        terms = [self.chance.choice(["KL(q || p)", "KL(q || p)", self._reconstruction()])]
        for _ in range(self.chance.randint(0, 3)):
            terms += [self.chance.choice("++-"), f"{self._weight()} * {self._term()}"]
        return terms

    def _weight(self) -> str:
        return self.chance.choice(["2", "0.5", *self.parameters])

    def _term(self) -> str:
        makers = [self._entropic, self._entropic, self._divergence, self._signed, self._summed]
        return self.chance.choice(makers)()

    def _reconstruction(self) -> str:
        return f"CE({self.chance.choice(self.data)} | {', '.join(self.latents)})"

    def _divergence(self) -> str:
        latent = self.chance.choice(self.latents)
        given = self.chance.choice(self.data)
        return self.chance.choice(
            [
                f"KL(q({latent} | {given}) || p({latent}))",
                f"KL(q({latent}) || p({latent}))",
                f"MMD(q({latent}) || p({latent}))",
                f"W(q({latent}) || p({latent}))",
                f"JS(q({given}) || p({given}))",
                *(f"KL({name} || p)" for name in self.further),
                *self.compared,
            ]
        )

    def _signed(self) -> str:
        rate = self._information()
        return self.chance.choice(
            [
                f"abs({rate} - 1)",
                f"max({rate}, 0.5)",
                f"square({rate} - 1)",
                f"min({rate}, 0.5)",
            ]
        )

    def _summed(self) -> str:
        if not self.sizes:
            return self._information()
        name, size = self.chance.choice(sorted(self.sizes.items()))
        sign = self.chance.choice(["sum", "mean", "expect"])
        other = self.chance.choice([one for one in self._all() if one != name] or [name])
        return f"{sign}(i in 1..{size}) I({name}[i]; {other})"

    def _entropic(self) -> str:
        return self.chance.choice([self._information, self._entropy, self._projection])()

    def _information(self) -> str:
        parts = self.chance.sample(self._all(), min(len(self._all()), 2 + self._may(0.3)))
        if len(parts) < 2:
            return f"H({parts[0]})"
        given = f" | {parts[2]}" if len(parts) > 2 else ""
        return f"I({parts[0]}; {parts[1]}{given})"

    def _entropy(self) -> str:
        names = self.chance.sample(self._all(), min(len(self._all()), 2))
        return f"H({' | '.join(names)})"

    def _projection(self) -> str:
        names = self.chance.sample(self._all(), min(len(self._all()), 3))
        signs = [self.chance.choice([" -> ", "; ", ", "]) for _ in names[1:]]
        body = names[0] + "".join(sign + name for sign, name in zip(signs, names[1:], strict=True))
        return self.chance.choice([f"D(q || {{{body}}})", "D(q || G(p))"])

    def _all(self) -> list[str]:
        return [*self.data, *self.given, *self.latents]

    def _may(self, probability: float) -> bool:
        return self.chance.random() < probability
