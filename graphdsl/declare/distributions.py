"""Kinds of values and the distributions that go with them."""

from __future__ import annotations

__all__ = ["classes_of", "distribution_of", "drawn_from", "kind_of", "posterior_of", "root_of"]

from dataclasses import replace
from fractions import Fraction
from typing import Literal, get_args

from graphdsl.catalog.laws import NORMAL, Kind, Law, joint_law, kinds_of_latents, laws_of
from graphdsl.catalog.priors import LEARNED_PARAMETERS, PRIORS, components_of
from graphdsl.declare.distribution_errors import (
    AlwaysLearned,
    FlowOfFamily,
    JointMisplaced,
    JointOfScalars,
    NoScale,
    PriorArguments,
    ScaleNotPositive,
    ScaleOfLatent,
    UnknownSetting,
)
from graphdsl.declare.errors import ClassesMissing, KindArgument, UnknownKind, UnknownPrior
from graphdsl.declare.exposures import exposure_of
from graphdsl.declare.groups import group_of
from graphdsl.declare.indices import NO_INDICES, number, whole
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import one_of
from graphdsl.ir.networks import Distribution, Family
from graphdsl.ir.notation import number_text
from graphdsl.syntax import ast

_WORDS: dict[str, Literal["learned", "own"]] = {"learned": "learned", "network": "own"}
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


def kind_of(scope: Scope, statement: ast.VariableDeclaration) -> Kind | None:
    """The kind of a variable's values; None, and a note, if its role has no such kind."""
    known = kinds_of_latents() if statement.role == "latent" else tuple(_KINDS)
    word = statement.kind.name
    if word.text in known:
        return _KINDS[word.text]
    scope.note(
        UnknownKind(span=word.span, kind=word.text, role=statement.role, known=one_of(known))
    )
    return None


def classes_of(scope: Scope, statement: ast.VariableDeclaration) -> int | None:
    """How many classes a categorical variable has; None for another kind."""
    written, kind = statement.kind.argument, statement.kind.name
    if kind.text == "categorical":
        if written is not None:
            return whole(scope, written, NO_INDICES, f"the classes of `{statement.name}`", 2) or 2
        scope.note(ClassesMissing(span=kind.span))
        return 2
    if written is not None and kind.text in _KINDS:
        scope.note(KindArgument(span=statement.kind.span, kind=kind.text))
    return None


def distribution_of(
    scope: Scope, statement: ast.VariableDeclaration, kind: Kind | None
) -> Distribution:
    """What a variable is drawn from: as declared, or the law that its kind has by itself.

    Of a latent with a learned prior it is that of the posterior.
    """
    choice = statement.prior
    if kind is None:
        return Distribution(NORMAL)
    if choice is None:
        return Distribution(_own(kind))
    return _distribution(scope, choice, statement.name.text, kind, statement.role)


def root_of(
    scope: Scope, statement: ast.VariableDeclaration, kind: Kind | None
) -> Distribution | None:
    """The learned prior of a latent; None if its prior is fixed, or there is none."""
    choice = statement.prior
    if choice is None or kind is None or statement.role != "latent":
        return None
    law = PRIORS.get(choice.name.text)
    if law is not None and law.kind == kind:
        return Distribution(law, components=_components(scope, choice, law))
    known = laws_of(kind).get(choice.name.text)
    return Distribution(known, "learned") if known and _is_learned(choice, known) else None


def posterior_of(root: Distribution) -> Distribution:
    """What q infers a latent with, whose prior is learned."""
    return Distribution(_own(root.law.kind) if root.components else root.law)


def _is_learned(choice: ast.Choice, law: Law) -> bool:
    """Whether all parameters of a prior are learned: some alone cannot be."""
    learned = [
        setting.name.text
        for setting in choice.settings
        if isinstance(setting.value, ast.Word) and setting.value.text == "learned"
        if not setting.each and not setting.by
    ]
    wanted = LEARNED_PARAMETERS.get(law.word, ())
    return not choice.arguments and bool(wanted) and sorted(learned) == sorted(wanted)


def _components(scope: Scope, choice: ast.Choice, law: Law) -> int:
    """How many components the prior has."""
    what = components_of(law)
    if len(choice.arguments) != 1 or choice.settings:
        scope.note(PriorArguments(span=choice.span, law=law.word, what=what))
        return 2
    (argument,) = choice.arguments
    if isinstance(argument, ast.Reference | ast.Named):
        scope.note(PriorArguments(span=choice.span, law=law.word, what=what))
        return 2
    return whole(scope, argument, NO_INDICES, f"the number of {what}", 1) or 2


def drawn_from(scope: Scope, choice: ast.Choice, child: Family, network: str) -> Distribution:
    """What `~` on a line says of a child."""
    joint = _joint(choice)
    if joint is not None:
        _check_joint(scope, choice, joint, child, network)
        return Distribution(joint)
    return _distribution(scope, choice, child.name, child.kind, child.role)


def _distribution(
    scope: Scope, choice: ast.Choice, name: str, kind: Kind, role: str
) -> Distribution:
    joint = _joint(choice)
    laws = {word: one for word, one in laws_of(kind).items() if one.latent or role != "latent"}
    law = laws.get(choice.name.text)
    if joint is not None and role == "latent":
        place, own = f"the prior of `{name}`", str(_own(kind))
        scope.note(JointMisplaced(span=choice.span, law=str(joint), place=place, own=own))
        return Distribution(_own(kind))
    if law is None:
        word = choice.name
        known = one_of(f"~ {one}" for one in laws)
        scope.note(UnknownPrior(span=word.span, prior=word.text, name=name, kind=kind, known=known))
        return Distribution(_own(kind))
    settings = {one.name.text: one for one in choice.settings}
    exposure = settings.pop("exposure", None) if law.exposure else None
    scale = _scale(scope, replace(choice, settings=tuple(settings.values())), law, name, role)
    found = Distribution(law, scale)
    if exposure is not None:
        found = replace(found, exposure=exposure_of(scope, exposure))
    if scale == "learned" and law.scale is not None and law.scale.word in settings:
        setting = settings[law.scale.word]
        each = setting.each and not law.scale.each
        found = replace(found, each=each, group=group_of(scope, setting))
    return found


def _own(kind: Kind) -> Law:
    """The law that a kind has by itself."""
    return next(iter(laws_of(kind).values()))


def _joint(choice: ast.Choice) -> Law | None:
    """`normal(full)` or `flow`: the numbers of a variable are not independent given its parents."""
    words = [argument.text for argument in choice.arguments if isinstance(argument, ast.Word)]
    return joint_law(choice.name.text, words)


def _check_joint(scope: Scope, choice: ast.Choice, law: Law, child: Family, network: str) -> None:
    """Such laws are posteriors, of latents that are vectors."""
    name, own = child.name, str(_own(child.kind))
    excess = choice.settings or (() if law.argument else choice.arguments)
    if excess:
        scope.note(UnknownSetting(span=choice.span, law=choice.name.text, usage=f"`~ {law}`"))
    elif network == "p" or child.role != "latent":
        place = f"the line of `{name}` in `{network}`"
        scope.note(JointMisplaced(span=choice.span, law=str(law), place=place, own=own))
    elif law.is_run_alone and len(child.extents) > 1:
        what, instead = "several indices", "count its members with one index, `z[1..6]`"
        scope.note(FlowOfFamily(span=choice.span, name=child.head, what=what, instead=instead))
    elif law.is_run_alone and child.extents == (1,):
        what, instead = "one member", f"drop the index: `latent {name} : real[16]`"
        scope.note(FlowOfFamily(span=choice.span, name=child.head, what=what, instead=instead))
    elif child.kind != law.kind or len(child.shape) != 1 or child.shape[0] < 2:
        scope.note(JointOfScalars(span=choice.span, law=str(law), name=name, head=child.head))


def _usage(law: Law, role: str) -> str:
    """How a distribution is written whose scale nobody fixes; of a latent, a learned one too."""
    learned = LEARNED_PARAMETERS.get(law.word, ()) if role == "latent" else ()
    settings = ", ".join(f"{one} = learned" for one in learned)
    return f"`~ {law}`" + f" or `~ {law}({settings})`" * bool(learned)


def _scale(
    scope: Scope, choice: ast.Choice, law: Law, name: str, role: str
) -> Fraction | Literal["learned", "own"] | None:
    """`scale = 0.1`, `learned` or `network`: of what p says of something observed."""
    is_learned = law.scale is not None and law.scale.default == "learned" and role == "observed"
    default: Literal["learned"] | None = "learned" if is_learned else None
    word = "scale" if law.scale is None else law.scale.word
    if choice.arguments or any(setting.name.text != word for setting in choice.settings):
        usage = _usage(law, role) if role == "latent" else f"`~ {law}`"
        if role != "latent" and law.scale is not None:
            usage += f" or `~ {law}({word} = learned)`"
        usage += f" or `~ {law}(exposure = size)`" * law.exposure
        scope.note(UnknownSetting(span=choice.span, law=str(law), usage=usage))
        return default
    if not choice.settings:
        return default
    setting = choice.settings[-1]
    if law.scale is None:
        scope.note(NoScale(span=setting.span, law=str(law)))
        return None
    if role != "observed":
        usage = _usage(law, role)
        scope.note(ScaleOfLatent(span=setting.span, name=name, role=role, usage=usage))
        return None
    return _value(scope, setting, law, default)


def _value(
    scope: Scope, setting: ast.Setting, law: Law, default: Literal["learned"] | None
) -> Fraction | Literal["learned", "own"] | None:
    """What a setting says of a scale."""
    word, known = setting.name.text, None
    if isinstance(setting.value, ast.Word):
        known = _WORDS.get(setting.value.text)
    if law.scale is not None and law.scale.is_always_learned and known != "learned":
        scope.note(AlwaysLearned(span=setting.span, law=str(law), word=word))
        return default
    if known is not None:
        return known
    scale = number(scope, setting.value, NO_INDICES)
    if scale is not None and scale <= 0:
        value = number_text(scale)
        scope.note(ScaleNotPositive(span=setting.span, word=word, value=value))
        return default
    return scale
