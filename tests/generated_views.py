"""Random specs of views that rows may lack, with sub-posteriors and several encoders."""

from __future__ import annotations

__all__ = ["generated_views"]

import random
from typing import TypeVar

T = TypeVar("T")


def generated_views(seed: int) -> str:
    """A spec for a seed: a family of views, what else there is, encoders and an objective."""
    return "\n".join(_Views(random.Random(seed)).lines()) + "\n"


class _Views:
    """One spec in the making."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.count = self._of(2, 2, 3)
        self.others = [name for name in ("y", "w") if self._may(0.35)]
        self.label = self._may(0.25)
        self.own = self._of("", "u", "u", "u[i]", "u[i]")  # a second latent, or one for each view
        self.read = ["x", *(name for name in self.others if self._may(0.6))]
        self.further = self._of("", "", "i", "S", "two")
        self.drawn = self._may(0.1)
        self.by = self._of(
            " by poe", " by poe", " by poe", "", "", " by mixture", " ~ normal(full)"
        )
        if self.label and self._may(0.5):
            self.read.append("t")
            self.by = ""

    def lines(self) -> list[str]:
        written = ["model views", *self._variables(), self._inference(), *self._more_inference()]
        return [*written, self._generation(), f"minimize {' '.join(self._objective())}"]

    def _variables(self) -> list[str]:
        kind = self._of("real", "real[2]", "real[2]", "binary[2]", "categorical(3)")
        written = [f"observed x[1..{self.count}] : {kind} optional"]
        if "y" in self.others:
            written.append(f"observed y : {self._of('real', 'binary')}{self._of('', ' optional')}")
        if "w" in self.others:
            written.append("given w : real")
        if self.label:
            written.append(f"observed t : {self._of('real', 'real', 'categorical(3)')} optional")
        written.append("latent z : real[2] ~ normal")
        if self.own:
            members = f"[1..{self.count}]" if self.own == "u[i]" else ""
            written.append(f"latent u{members} : real[2] ~ normal")
        return written

    # ---- networks ------------------------------------------------------------------------------

    def _inference(self) -> str:
        lines = ["x -> t"] if self.label else []
        lines.append(f"{', '.join(self.read)} -> z{self.by}")
        each = f" for i in 1..{self.count}"
        if self.own == "u[i]":
            lines.append(self._of(f"x[i] -> u[i]{each}", f"x[i], z -> u[i]{each}", "x -> u"))
        elif self.own:
            ways = ["x -> u", "x[1] -> u", "z -> u", "x[1], z -> u", "x -> u by poe"]
            lines.append(self._of(*ways, "x, z -> u by poe"))
        return f"q {{ {'; '.join(lines)} }}"

    def _more_inference(self) -> list[str]:
        match self.further:
            case "i":
                return ["infer g(i) { x[i] -> z }"]
            case "S":
                return ["infer g(S) { x[S] -> z by poe }"]
            case "two":
                self.two = self._of("x[1]", "x[1..2]"), self._of("x[2]", "x")
                ways = [self._of(" by poe", "") for _ in self.two]
                return [
                    f"infer g{place} {{ {read} -> z{by} }}"
                    for place, read, by in zip((1, 2), self.two, ways, strict=True)
                ]
        return []

    def _generation(self) -> str:
        read = ["z", *([self.own] if self.own else []), *(["t"] if self.label else [])]
        lines = [f"{', '.join(read)} -> x[i] for i in 1..{self.count}"]
        lines += ["z -> y"] * ("y" in self.others)
        lines += ["w -> z"] * ("w" in self.others and self._may(0.3))
        lines += ["z -> u"] * (self.own == "u" and self._may(0.3))
        return f"p {{ {'; '.join(lines)} }}"

    # ---- terms ---------------------------------------------------------------------------------

    def _objective(self) -> list[str]:
        whole = "KL(q || p)" + self._of("", "", "", " with iwae(k = 3)")
        terms = [whole if self._may(0.8) else self._term()]
        for _ in range(self.chance.randint(1, 3)):
            terms += [self._of("+", "+", "-"), f"{self._of('0.5', '1', '2')} * {self._term()}"]
        return terms

    def _term(self) -> str:
        makers = (self._entropic, self._entropic, self._of_views, self._named, self._of_encoders)
        return self._of(*makers)()

    def _entropic(self) -> str:
        first, *rest = self._apart()
        second, third = (*rest, *rest)[:2]
        given = f" | {third}" if len(rest) > 1 else ""
        arrows = self._of(" -> ", "; "), self._of(" -> ", "; ", ", ")
        return self._of(
            f"I({first}; {second})",
            f"I({first}; {second}{given})",
            f"H({first} | {second}{', ' + third if given else ''})",
            f"TC({'; '.join((first, *rest[:2]))})",
            f"D(q || {{{first}{arrows[0]}{second}{arrows[1] + third if given else ''}}})",
        )

    def _apart(self) -> list[str]:
        """Up to three parts that do not overlap, in any order."""
        names = ["z", *self.others, *(["t"] if self.label else [])]
        names += self._of(["x"], ["x[1]", "x[2]"], ["x[2]", "x[1]"])
        names += {"": [], "u": ["u"], "u[i]": self._of(["u"], ["u[1]", "u[2]"])}[self.own]
        return self.chance.sample(names, min(len(names), 3))

    def _of_views(self) -> str:
        pairs, each = f"sum(i, j in pairs(1..{self.count}))", f"sum(i in 1..{self.count})"
        halves = f"expect(S in bipartitions(1..{self.count}))"
        return self._of(
            f"{pairs} D(q || {{x[i] -> z -> x[j]}})",
            f"{pairs} I(x[i]; z | x[j])",
            f"{each} I(z; x[i])",
            f"{each} KL(q(z | {', '.join(self.read)}) || q(z | x[i]))",
            f"{each} KL(q(x[i], z) || p(x[i], z))",
            f"{halves} D(q || {{(x[S]) -> z -> (x[not S])}})",
            "D(q || {x -> z -> x'})",
            "D(q || {(x) -> z})",
            "D(q || G(p))",
            "TC(x | z)",
        )

    def _named(self) -> str:
        label = ["CE(t | x)"] if self.label else []
        other = ["CE(y | x[1], z)"] if "y" in self.others else []
        ways = ["CE(x[2] | x[1], z)", "CE(z | x[1])", "CE(x[1] | z)", "CE(x[2] | x[1])"]
        return self._of(*ways, *label, *other)

    def _of_encoders(self) -> str:
        rate = f"KL(q(z | {', '.join(self.read)}) || p(z))"
        match self.further:
            case "i":
                each = f"KL(q(z | {', '.join(self.read)}) || g(i)(z | x[i]))"
                ways = [f"sum(i in 1..{self.count}) {each}", "KL(g(1) || p)", "I[g(1)](z; x[1])"]
                ways += ["KL(g(1)(z | x[1]) || g(2)(z | x[2]))", "CE[g(1)](x[2] | z)"]
                return self._of(*ways)
            case "S":
                sets = f"S in subsets(1..{self.count})"
                ways = [f"sum({sets}) KL(g(S)(x[S], z) || p(x[S], z))", "KL(g({1}) || p)"]
                return self._of(*ways, "I[g({1, 2})](z; x[1])")
            case "two":
                first, second = self.two
                return f"KL(g1(z | {first}) || g2(z | {second}))"
        return rate

    def _of(self, *several: T) -> T:
        """One of several."""
        return self.chance.choice(several)

    def _may(self, probability: float) -> bool:
        return self.chance.random() < probability
