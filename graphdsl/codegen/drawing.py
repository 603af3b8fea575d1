"""What emitted methods draw: samples of posteriors, of priors and of what p generates."""

from __future__ import annotations

__all__ = ["drawn", "noise_of"]

from graphdsl.codegen import tree as py
from graphdsl.codegen.expressions import flat, reference, shape_comment, some_members
from graphdsl.codegen.words import assign, call, local, method, own, own_call
from graphdsl.ir.statements import DrawSet, Generated, Known, PriorSample, Sample

_NOISE = py.Name("noise")
_HARD = py.Literal(True)


def drawn(statement: DrawSet | Known | Sample | PriorSample | Generated) -> py.Assign:
    """What is drawn, from the noise that the caller may give; and what rows know instead."""
    target = statement.target
    match statement:
        case Known(source=source, seen=seen, value=value, times=times):
            known = method(local(source), "or_known", reference(seen), reference(value))
            return assign(target, known, shape_comment(target, times))
        case DrawSet(name=name, like=like):
            rows = py.Name("batch") if like is None else local(like)
            set_ = own_call("drawn", _NOISE, py.Literal(name), rows)
            return assign(target, set_, shape_comment(target))
        case Sample(density=density, times=times):
            is_pair = density is not None and not statement.discrete
            targets = (target, density) if is_pair and density is not None else target
            return assign(targets, _sample(statement), shape_comment(target, times))
        case PriorSample():
            return assign(target, _of_root(statement), shape_comment(target))
        case Generated():
            return assign(target, _generated(statement), shape_comment(target))


def noise_of(statement: Sample) -> py.Expression:
    """The noise of a sample, with an axis for the experts that each have samples of their own."""
    noise, each, times = statement.noise, statement.each, statement.times
    source: py.Expression = _of(noise.name)
    if times or each:
        word, count = ("samples_of", times) if times else ("noise_of_each", each)
        like = py.NONE if statement.like is None else local(statement.like)
        source = own_call(word, _NOISE, py.Literal(noise.name), py.Literal(count), like)
    by_expert = each > 0 and not times
    whole = flat(source, noise.grid, first=2 if by_expert else 1)
    return some_members(whole, noise, behind=by_expert and noise.places is not None)


def _sample(statement: Sample) -> py.Expression:
    noise, word = noise_of(statement), statement.word
    if statement.distribution is None or word:
        return method(py.Word(word), "sample", noise)
    distribution = local(statement.distribution)
    if statement.chooses:
        return method(distribution, "draw", _NOISE, py.Literal(statement.noise.name))
    if statement.discrete:
        return _relaxed(distribution, noise)
    if statement.density is not None:
        return method(distribution, "sample_with_log_prob", noise)
    if statement.each and statement.times:
        each = py.Literal(statement.times // statement.each)
        return method(distribution, "sample_several", noise, each)
    if statement.each:
        return method(distribution, "sample_each", noise)
    return method(distribution, "sample", noise)


def _of_root(statement: PriorSample) -> py.Expression:
    """The sample of a root of p: its noise, where its prior is normal."""
    noise = statement.noise
    whole = flat(_of(noise.name), noise.grid)
    if statement.like is not None:
        like: py.Expression = local(statement.like)
        if statement.of_mean:
            like = py.Attribute(like, "mean")
        if statement.of_classes:
            like = py.Index(like, (py.Slice(), py.Literal(0)))
        whole = own_call("prior_sample", _NOISE, py.Literal(noise.name), like)
    own_noise = some_members(whole, noise)
    return method(py.Word(statement.word), "sample", own_noise) if statement.word else own_noise


def _generated(statement: Generated) -> py.Expression:
    """What networks of p generate: a draw, or their mean."""
    distribution = local(statement.distribution)
    mean = py.Attribute(distribution, "mean")
    if not statement.drawn:
        return mean
    like = mean if statement.like is None else local(statement.like)
    noise: py.Expression = own_call("prior_sample", _NOISE, py.Literal(statement.name), like)
    if statement.noise is not None:  # of a latent that nothing infers
        noise = some_members(flat(_of(statement.noise.name), statement.noise.grid), statement.noise)
    if statement.relaxed:
        return _relaxed(distribution, noise)
    return method(distribution, "sample", noise)


def _relaxed(distribution: py.Expression, noise: py.Expression) -> py.Expression:
    sample = py.Attribute(distribution, "relaxed_sample")
    return call(sample, noise, own("temperature"), hard=_HARD)


def _of(name: str) -> py.Expression:
    return py.Index(_NOISE, (py.Literal(name),))
