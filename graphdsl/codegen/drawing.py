"""What emitted methods draw: samples of posteriors, of priors and of what p generates."""

from __future__ import annotations

__all__ = ["drawn", "noise_of"]

from dataclasses import replace

from graphdsl.codegen.expressions import flat, reference, shape_comment, some_members
from graphdsl.codegen.tree import (
    Assign,
    Attribute,
    Expression,
    Index,
    Literal,
    Name,
    Slice,
    Word,
)
from graphdsl.codegen.words import assign, call, method, own, own_call
from graphdsl.ir.statements import DrawSet, Generated, Known, PriorSample, Ref, Sample

_NOISE = Name("noise")
_HARD = Literal(True)


def drawn(statement: DrawSet | Known | Sample | PriorSample | Generated) -> Assign:
    """What is drawn, from the noise that the caller may give; and what rows know instead."""
    target = statement.target
    match statement:
        case Known(source=source, seen=seen, value=value, times=times):
            known = method(Name(source), "or_known", reference(seen), reference(value))
            return assign(target, known, shape_comment(statement.shape, times))
        case DrawSet(name=name, like=like):
            set_ = own_call("drawn", _NOISE, Literal(name), Name(like))
            return assign(target, set_, shape_comment(statement.shape))
        case Sample(density=density, times=times):
            targets = (target, density) if density and not statement.discrete else target
            return assign(targets, _sample(statement), shape_comment(statement.shape, times))
        case PriorSample():
            return assign(target, _of_root(statement), shape_comment(statement.shape))
        case Generated():
            return assign(target, _generated(statement), shape_comment(statement.shape))


def noise_of(statement: Sample) -> Expression:
    """The noise of a sample, with an axis for the experts that each have samples of their own."""
    noise, each, times = statement.noise, statement.each, statement.times
    source: Expression = _of(noise.name)
    if times or each:
        word, count = ("samples_of", times) if times else ("noise_of_each", each)
        like = Name(statement.like)
        source = own_call(word, _NOISE, Literal(noise.name), Literal(count), like)
    by_expert = each > 0 and not times
    if by_expert:
        noise = replace(noise, behind=noise.places is not None)
    return some_members(flat(source, statement.grid, first=2 if by_expert else 1), noise)


def _sample(statement: Sample) -> Expression:
    distribution, noise = statement.distribution, noise_of(statement)
    if statement.discrete:
        return _relaxed(distribution, noise)
    if statement.density:
        return method(Name(distribution), "sample_with_log_prob", noise)
    if statement.each and statement.times:
        each = Literal(statement.times // statement.each)
        return method(Name(distribution), "sample_several", noise, each)
    if statement.each:
        return method(Name(distribution), "sample_each", noise)
    source = Word(statement.word) if statement.word else Name(distribution)
    return method(source, "sample", noise)


def _of_root(statement: PriorSample) -> Expression:
    """The sample of a root of p: its noise, where its prior is normal."""
    whole = flat(_of(statement.latent), statement.grid)
    if statement.like:
        like: Expression = Name(statement.like)
        if statement.of_mean:
            like = Attribute(like, "mean")
        if statement.of_classes:
            like = Index(like, (Slice(), Literal(0)))
        whole = own_call("prior_sample", _NOISE, Literal(statement.latent), like)
    own_noise = some_members(whole, Ref(statement.target, statement.places, statement.one))
    return method(Word(statement.word), "sample", own_noise) if statement.word else own_noise


def _generated(statement: Generated) -> Expression:
    """What networks of p generate: a draw, or their mean."""
    mean = Attribute(Name(statement.distribution), "mean")
    if not statement.drawn:
        return mean
    noise: Expression = own_call("prior_sample", _NOISE, Literal(statement.name), mean)
    if statement.noise is not None:  # of a latent that nothing infers
        noise = some_members(flat(_of(statement.noise.name), statement.grid), statement.noise)
    if statement.relaxed:
        return _relaxed(statement.distribution, noise)
    return method(Name(statement.distribution), "sample", noise)


def _relaxed(distribution: str, noise: Expression) -> Expression:
    sample = Attribute(Name(distribution), "relaxed_sample")
    return call(sample, noise, own("temperature"), hard=_HARD)


def _of(name: str) -> Expression:
    return Index(_NOISE, (Literal(name),))
