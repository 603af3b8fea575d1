"""What stands in the brackets of an estimator: how many samples, how heavy a penalty."""

from __future__ import annotations

__all__ = ["experts_of", "has_its_settings", "numbers", "samples", "slope_weight"]

from fractions import Fraction

from graphdsl.catalog.methods import EXPERTS, METHODS, Experts
from graphdsl.declare.errors import TooMany
from graphdsl.declare.indices import Indices, number, whole
from graphdsl.declare.scope import Scope
from graphdsl.declare.setting_errors import EstimatorBrackets, SettingValue
from graphdsl.diagnostics import one_of
from graphdsl.ir.objective import Functional, MultiInformation
from graphdsl.syntax import ast

_MOST_SAMPLES = 10_000


def has_its_settings(scope: Scope, choice: ast.Choice, target: Functional) -> bool:
    """Whether in the brackets stands what the estimator takes: `k`, perhaps `r1`, or nothing."""
    method = METHODS[choice.name.text]
    estimates_information = "information" in method.targets and isinstance(target, MultiInformation)
    taken = ((),) if estimates_information else method.settings
    of_mixtures = method.of_experts is not None
    known = not choice.arguments or (of_mixtures and _word(choice) in EXPERTS)
    if known and sorted(setting.name.text for setting in choice.settings) in map(sorted, taken):
        return True
    without = f"`with {method.word}`"
    wanted, usage = "nothing in brackets", without
    if estimates_information and len(method.settings) > 1:
        wanted += " where it is of an information"
    elif method.example:
        wanted = method.brackets
        example = f"`with {method.word}{method.example}`"
        usage = f"{without} or {example}" if () in method.settings else example
        if of_mixtures and choice.arguments and choice.settings:
            wanted += f", and of a mixture {one_of(EXPERTS)}"
    mistake = EstimatorBrackets(span=choice.span, estimator=method.word, wanted=wanted, usage=usage)
    scope.note(mistake)
    return False


def experts_of(choice: ast.Choice) -> Experts:
    """Which experts of a mixture `iwae` samples: every one, unless it says otherwise."""
    return EXPERTS.get(_word(choice), "every")


def _word(choice: ast.Choice) -> str:
    """The one word in the brackets; nothing where there is none, or something else."""
    words = [argument.text for argument in choice.arguments if isinstance(argument, ast.Word)]
    return words[0] if len(words) == len(choice.arguments) == 1 else ""


def samples(scope: Scope, choice: ast.Choice, indices: Indices) -> int | None:
    """How many samples `k` says; None, and a note, where that is no such number."""
    setting = next(one for one in choice.settings if one.name.text == "k")
    if _is_learned(setting):
        what, usage = "the number of samples", choice.name.text + METHODS[choice.name.text].example
        scope.note(SettingValue(span=setting.span, what=what, wanted="a whole number", usage=usage))
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


def numbers(
    scope: Scope, choice: ast.Choice, indices: Indices
) -> tuple[tuple[str, Fraction], ...] | None:
    """What a method's other settings say; None, and a note, where a value is out of range."""
    method, values = METHODS[choice.name.text], []
    written = {setting.name.text: setting for setting in choice.settings}
    for one in method.numbers:
        value = None
        if not _is_learned(written[one.name]):
            value = number(scope, written[one.name].value, indices)
            if value is None:
                return None
        if value is None or value not in one:
            span, usage = written[one.name].span, method.word + method.example
            below = f" and below {one.high}" if one.high is not None else ""
            wanted = f"a number above {one.low}{below}"
            scope.note(SettingValue(span=span, what=one.what, wanted=wanted, usage=usage))
            return None
        values.append((one.name, value))
    return tuple(values)


def slope_weight(scope: Scope, choice: ast.Choice, indices: Indices) -> Fraction | None:
    """How heavy the penalty on a critic's slope is: zero where nothing is written."""
    if not choice.settings:
        return Fraction(0)
    setting = choice.settings[0]
    if not _is_learned(setting):
        weight = number(scope, setting.value, indices)
        if weight is None or weight >= 0:
            return weight
    what, usage = "the weight of a penalty", f"{choice.name.text}(r1 = 1)"
    mistake = SettingValue(span=setting.span, what=what, wanted="a nonnegative number", usage=usage)
    scope.note(mistake)
    return None


def _is_learned(setting: ast.Setting) -> bool:
    """Whether a word stands there that is a setting of distributions alone."""
    return isinstance(setting.value, ast.Word) and setting.value.text == "learned"
