"""Decorators that turn a driver's method on a live `Domain` into a call on a `DomainRef`.

::

    @queries
    def domain_is_active(self, dom: Domain) -> int: ...            # answered inline, from cached state

    @modifies
    async def domain_suspend(self, dom: Domain) -> None: ...       # the domain's job is held while this runs

The driver has `domains: DomainRegistry`. A method may also carry `@supports(...)`, above or below.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from pyvirtd.core import client
from pyvirtd.core.domain import Domain
from pyvirtd.core.domains import DomainRegistry
from pyvirtd.core.jobs import JobKind
from pyvirtd.errors import NoDomain
from pyvirtd.protocol.types import DomainRef

D = TypeVar("D", bound=Domain)
P = ParamSpec("P")
R = TypeVar("R")


class HasDomains(Protocol[D]):
    """What the decorators need of a driver."""

    domains: DomainRegistry[D]


S = TypeVar("S", bound=HasDomains[Any])


def queries(method: Callable[Concatenate[S, D, P], R]) -> Callable[Concatenate[S, DomainRef, P], R]:
    """The method gets the live domain; nothing is held. For `def` and `async def` alike."""

    @functools.wraps(method)
    def call(self: S, dom: DomainRef, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(self, self.domains.resolve(dom), *args, **kwargs)

    return call


def modifies(
    method: Callable[Concatenate[S, D, P], Awaitable[R]],
) -> Callable[Concatenate[S, DomainRef, P], Coroutine[Any, Any, R]]:
    """The method gets the live domain with its job held, as a change of the general kind."""
    return modifies_as(JobKind.MODIFY)(method)


def modifies_as(kind: JobKind) -> Callable[
    [Callable[Concatenate[S, D, P], Awaitable[R]]], Callable[Concatenate[S, DomainRef, P], Coroutine[Any, Any, R]]
]:
    """Like `modifies`, for a change of that kind: it decides beside which async jobs it may run."""

    def decorate(
        method: Callable[Concatenate[S, D, P], Awaitable[R]],
    ) -> Callable[Concatenate[S, DomainRef, P], Coroutine[Any, Any, R]]:
        @functools.wraps(method)
        async def call(self: S, dom: DomainRef, /, *args: P.args, **kwargs: P.kwargs) -> R:
            domain = self.domains.resolve(dom)
            async with domain.job.hold(method.__name__, kind=kind, client=str(client.current())):
                if domain.removed:
                    raise NoDomain(f"Domain not found: '{domain.name}' was removed while this call waited for it")
                return await method(self, domain, *args, **kwargs)

        return call

    return decorate
