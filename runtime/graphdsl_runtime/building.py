"""The networks of an objective: its defaults, or the caller's own."""

from __future__ import annotations

__all__ = ["Building"]

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import nn

from graphdsl_runtime.answers import expected_of, looked_at
from graphdsl_runtime.batch import Networks
from graphdsl_runtime.errors import UnknownName
from graphdsl_runtime.family_networks import Each, FamilyNetwork, Shared, Tied
from graphdsl_runtime.layers import Shape
from graphdsl_runtime.network_errors import MissingNetwork, NetworkNeeded, NotOneNetwork
from graphdsl_runtime.networks import try_network


class Building(nn.Module):
    """The part of an objective that its ``__init__`` takes networks from."""

    def __init__(self, networks: Networks | None = None) -> None:
        super().__init__()
        self._own_networks = dict(networks or {})
        self._network_names: list[str] = []

    @property
    def own_networks(self) -> Mapping[str, nn.Module]:
        """The networks that the caller gave, by their names."""
        return MappingProxyType(self._own_networks)

    def network(self, name: str, default: Callable[[], nn.Module]) -> nn.Module:
        """Take the caller's network of that name, or build the default."""
        self._network_names.append(name)
        if name not in self._own_networks:
            return default()
        return looked_at(self._own_networks[name], name, expected_of(default))

    def members(self, names: Sequence[str], default: Callable[[], FamilyNetwork]) -> FamilyNetwork:
        """Take the caller's networks for a family, or build the default that runs them all.

        Raises `MissingNetwork` if the caller has networks for some members and not for others.
        """
        self._network_names.extend(names)
        given = [name for name in names if name in self._own_networks]
        if not given:
            return default()
        if missing := [name for name in names if name not in self._own_networks]:
            raise MissingNetwork(given=given, missing=missing)
        # The default alone knows which parents are shared; on `meta` it costs neither memory nor
        # random numbers.
        with torch.device("meta"):
            shared = default().shared
        expected = expected_of(default, member=True)
        own = [looked_at(self._own_networks[name], name, expected) for name in names]
        return Each(own, shared)

    def tied(
        self,
        names: Sequence[str],
        default: Callable[[], nn.Module],
        shared: Sequence[bool] | None = None,
    ) -> nn.Module:
        """Take the caller's one network for all these conditionals, or build the default.

        It may be given under any of the names.  With ``shared``, which says of every parent
        whether all have it in common, all of them run at once: see `Tied`.
        Raises `NotOneNetwork` if the caller has several.
        """
        self._network_names.extend(names)
        given = self._one_of(names)
        if given is None:
            network = default()
        else:
            network = looked_at(given, names[0], expected_of(default))
        return network if shared is None else Tied(network, shared)

    def own_network(
        self, name: str, module: str, inputs: Sequence[Shape], outputs: int | Shape, answer: str
    ) -> nn.Module:
        """Take the network that the spec leaves to the caller, ``via module``, and try it.

        Shapes: the network is called with one ``(B, *shape)`` per entry of ``inputs``, and answers
        with ``(B, outputs)`` or ``(B, *outputs)``, which ``answer`` describes.
        Raises `NetworkNeeded` if the caller has none, and `ShapeMismatch` if two rows of zeros
        come out in another shape.
        """
        self._network_names.append(name)
        if name not in self._own_networks:
            raise NetworkNeeded(name, module, inputs, outputs, answer, of=type(self).__name__)
        network = self._own_networks[name]
        try_network(network, name, inputs, outputs)
        looked_at(network, name, (outputs,) if isinstance(outputs, int) else tuple(outputs))
        return network

    def own_members(
        self,
        names: Sequence[str],
        module: str,
        inputs: Sequence[Shape],
        outputs: int | Shape,
        answer: str,
    ) -> FamilyNetwork:
        """Take the networks of a family that the spec leaves to the caller, one for each member.

        Raises: as `own_network`, of each.
        """
        shared = [isinstance(one, Shared) for one in inputs]
        return Each(
            [self.own_network(name, module, inputs, outputs, answer) for name in names], shared
        )

    def own_tied(
        self,
        names: Sequence[str],
        module: str,
        inputs: Sequence[Shape],
        outputs: int | Shape,
        answer: str,
        shared: Sequence[bool] | None = None,
    ) -> nn.Module:
        """Take the one network for all these conditionals that the spec leaves to the caller.

        Raises: as `tied`, and as `own_network`.
        """
        self._network_names.extend(names)
        given = self._one_of(names)
        if given is None:
            raise NetworkNeeded(names[0], module, inputs, outputs, answer, of=type(self).__name__)
        try_network(given, names[0], inputs, outputs)
        looked_at(given, names[0], (outputs,) if isinstance(outputs, int) else tuple(outputs))
        return given if shared is None else Tied(given, shared)

    def _one_of(self, names: Sequence[str]) -> nn.Module | None:
        """Find the caller's network for conditionals that share one."""
        given = {name: self._own_networks[name] for name in names if name in self._own_networks}
        if len(set(map(id, given.values()))) > 1:
            raise NotOneNetwork(list(given))
        return next(iter(given.values()), None)

    def refuse_unused_networks(self) -> None:
        """Raise `UnknownName` if the caller named a network that the model does not have."""
        for name in self._own_networks:
            if name not in self._network_names:
                raise UnknownName("network", name, known=self._network_names)
