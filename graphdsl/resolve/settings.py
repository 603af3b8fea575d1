"""What stands in the brackets of an estimator: how many samples, how heavy a penalty."""

from __future__ import annotations

__all__ = ["experts_of", "has_its_settings", "samples", "slope_weight"]

from collections.abc import Mapping
from fractions import Fraction

from graphdsl.ir.model import Experts, Functional, MultiInformation
from graphdsl.resolve.errors import TooMany
from graphdsl.resolve.indices import Indices, number, whole
from graphdsl.resolve.scope import Scope
from graphdsl.resolve.term_errors import WrongArguments
from graphdsl.syntax import ast

#: What may stand in the brackets of those that take something.
_SETTINGS: Mapping[str, tuple[list[str], ...]] = {
    "iwae": (["k"],),
    "adversary": ([], ["r1"]),
    "non_saturating": ([], ["r1"]),
}
#: What `iwae` may be told of a mixture, beside how many samples there are.
_EXPERTS: Mapping[str, Experts] = {"per_expert": "apart", "one_expert": "one"}
_MOST_SAMPLES = 10_000


def has_its_settings(scope: Scope, choice: ast.Choice, target: Functional) -> bool:
    """Whether in the brackets stands what the estimator takes: `k`, perhaps `r1`, or nothing."""
    name = choice.name.text
    told = name == "adversary" and isinstance(target, MultiInformation)  # from permuted rows
    taken = ([],) if told else _SETTINGS.get(name, ([],))
    known = not choice.arguments or (name == "iwae" and _word(choice) in _EXPERTS)
    if known and [one.name.text for one in choice.settings] in taken:
        return True
    problem, usage = f"`{name}` takes nothing in brackets", f"write `with {name}`"
    if told:
        problem += " where it is of an information"
    elif name == "iwae":
        problem, usage = "`iwae` takes the number of samples, `k`", "write `with iwae(k = 16)`"
        if choice.arguments and choice.settings:
            problem += ", and of a mixture `per_expert` or `one_expert`"
    elif name in _SETTINGS:
        problem = f"`{name}` takes no more than the weight of a penalty on its critic's slope, `r1`"
        usage = f"write `with {name}` or `with {name}(r1 = 1)`"
    scope.note(WrongArguments(span=choice.span, problem=problem, usage=usage))
    return False


def experts_of(choice: ast.Choice) -> Experts:
    """Which experts of a mixture `iwae` samples: every one, unless it says otherwise."""
    return _EXPERTS.get(_word(choice), "every")


def _word(choice: ast.Choice) -> str:
    """The one word in the brackets; nothing where there is none, or something else."""
    words = [one.text for one in choice.arguments if isinstance(one, ast.Word)]
    return words[0] if len(words) == len(choice.arguments) == 1 else ""


def samples(scope: Scope, setting: ast.Setting, indices: Indices) -> int | None:
    """How many samples `k` says; None, and a note, where that is no such number."""
    if _is_learned(setting):
        problem = "how many samples there are is a number"
        usage = "write `with iwae(k = 16)`"
        scope.note(WrongArguments(span=setting.span, problem=problem, usage=usage))
        return None
    count = whole(scope, setting.value, indices, "the number of samples", 1)
    if count is not None and count > _MOST_SAMPLES:
        scope.note(
            TooMany(
                span=setting.span,
                count=f"{count:,}",
                what="samples for each row",
                limit=f"{_MOST_SAMPLES:,}",
                instead="the bound gains little from so many",
            )
        )
        return None
    return count


def slope_weight(scope: Scope, choice: ast.Choice, indices: Indices) -> Fraction | None:
    """How heavy the penalty on a critic's slope is: nought where nothing is written."""
    if not choice.settings:
        return Fraction(0)
    setting = choice.settings[0]
    if not _is_learned(setting):
        weight = number(scope, setting.value, indices)
        if weight is None or weight >= 0:
            return weight
    problem = "the weight of a penalty is a nonnegative number"
    usage = f"write `with {choice.name.text}(r1 = 1)`"
    scope.note(WrongArguments(span=setting.span, problem=problem, usage=usage))
    return None


def _is_learned(setting: ast.Setting) -> bool:
    """Whether a word stands there that is a setting of distributions alone."""
    return isinstance(setting.value, ast.Word) and setting.value.text == "learned"
