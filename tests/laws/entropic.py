"""Random specs rich in information: several latents and views, and terms of both signs."""

from __future__ import annotations

__all__ = ["entropic_spec"]

import random
from collections.abc import Sequence

_KINDS = ["binary[2]", "real[2]", "categorical(3)"]


def entropic_spec(seed: int) -> str:
    """A spec for a seed: two to four views, one to three latents, and up to four terms."""
    return "\n".join(_Entropic(random.Random(seed)).lines()) + "\n"


class _Entropic:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.views = chance.choice([2, 3, 3, 4])
        self.data = [f"x[{i}]" for i in range(1, self.views + 1)]
        self.latents: list[str] = []
        self.poe = False
        self.infer = False

    def lines(self) -> list[str]:
        written = ["model entropic", *self.variables(), *self.networks()]
        terms = [f"+ {self.chance.choice(['KL(q || p)', 'KL(q || p)', '0.5 * CE(x | z)'])}"]
        for _ in range(self.chance.randint(1, 4)):
            weight = self.chance.choice(["", "2 * ", "0.5 * ", "3 * "])
            terms.append(f"{self.chance.choice('+-')} {weight}{self.term()}")
        return [*written, "minimize " + " ".join(terms).removeprefix("+ ")]

    def variables(self) -> list[str]:
        kind = self.chance.choice(_KINDS)
        written = [f"observed x[1..{self.views}] : {kind}"]
        if self.may(0.3):
            self.data.append("y")
            written.append(f"observed y : {self.chance.choice(_KINDS)}")
        names = ["z", *self.chance.choice([[], ["c"], ["c"], ["c", "d"]])]
        for name in names:
            size = self.chance.choice(["", "[1..2]"]) if name != "z" else ""
            members = [f"{name}[{i}]" for i in (1, 2)] if size else [name]
            self.latents += members
            written.append(f"latent {name}{size} : real[2] ~ normal")
        return written

    def networks(self) -> list[str]:
        inference = []
        for place, name in enumerate(self.latents):
            above = self.some(self.data, 2) if self.may(0.4) else self.data
            if place and self.may(0.3):
                above = [*above, self.chance.choice(self.latents[:place])]
            self.poe = self.poe or (name == "z" and self.may(0.5))
            way = " by poe" if name == "z" and self.poe else ""
            inference.append(f"{', '.join(above)} -> {name}{way}")
        alike = self.some(self.latents, 2) if self.may(0.5) else []  # the views of one kind
        generation = []
        for name in self.data:
            above = alike if alike and name != "y" else self.some(self.latents, 2)
            generation.append(f"{', '.join(above)} -> {name}")
        generation += [one for one in self.latents if not any(one in line for line in generation)]
        self.infer = len(self.latents) == 1 and self.may(0.3)
        further = ["infer r(i) { x[i] -> z }"] * self.infer
        return [
            f"q {{ {'; '.join(inference)} }}",
            f"p {{ {'; '.join(generation)} }}",
            *further,
        ]

    def term(self) -> str:
        names = [*self.data, *self.latents, "x"]
        one, two, three = (self.chance.choice(names) for _ in range(3))
        makers = [
            f"I({self.chance.choice(self.latents)}; {one}, {two})",
            f"I({self.chance.choice(self.latents)}; {one} | {two})",
            f"H({one} | {two}, {three})",
            f"TC({one}; {two}; {three})",
            f"TC(x | {self.chance.choice(self.latents)})",
            "TC(x | z) - TC(x)",
            f"D(q || {{{one} -> {two} -> {three}}})",
            f"D(q || {{{self.chance.choice(self.latents)} -> x}})",
            f"KL(q({self.chance.choice(self.latents)} | x) || p({self.latents[-1]}))",
            "sum(i in 1..2) I(z; x[i])",
            "D(q || G(p))",
        ]
        written = self.chance.choice(makers)
        return f"({written})" if " - " in written else written

    def some(self, names: Sequence[str], most: int) -> list[str]:
        return self.chance.sample([*names], self.chance.randint(1, min(most, len(names))))

    def may(self, probability: float) -> bool:
        return self.chance.random() < probability
