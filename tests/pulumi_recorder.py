"""Pulumi's mocks, recording: what a program registers, without an engine."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pulumi
import pytest
from pulumi.runtime import mocks as pulumi_mocks

Outputs = Mapping[str, Callable[[pulumi_mocks.MockResourceArgs], dict]]
NOTHING: Outputs = MappingProxyType({})


@dataclass
class Recorder(pulumi_mocks.Mocks):
    """Remembers every resource; `outputs` are made for those of a type that ends so."""

    outputs: Outputs
    made: list[pulumi_mocks.MockResourceArgs] = field(default_factory=list)

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str, dict]:
        """Remember it, as it is."""
        self.made.append(args)
        told = dict(args.inputs)
        for ending, of in self.outputs.items():
            if args.typ.endswith(ending):
                told |= of(args)
        return f"{args.name}-id", told

    def call(self, args: pulumi_mocks.MockCallArgs) -> dict:
        """Refuse it."""
        raise AssertionError(f"nothing may be asked: {args.token}")


class ClosedLoops(asyncio.DefaultEventLoopPolicy):
    """Knows every event loop, to close them: Pulumi's mocks leave one open in each thread."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[asyncio.AbstractEventLoop] = []

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A loop as ever, remembered."""
        self.made.append(super().new_event_loop())
        return self.made[-1]


@pytest.fixture(scope="module")
def recorded() -> Iterator[Callable[..., Recorder]]:
    """Runs a program and returns the recorder of what it registered."""
    loops = ClosedLoops()
    asyncio.set_event_loop_policy(loops)
    asyncio.set_event_loop(asyncio.new_event_loop())

    def run(program: Callable[[], object], outputs: Outputs = NOTHING) -> Recorder:
        recorder = Recorder(outputs)
        pulumi_mocks.set_mocks(recorder, project="slipway", stack="stack")
        pulumi.runtime.test(program)()
        return recorder

    yield run
    asyncio.set_event_loop_policy(None)
    for loop in loops.made:
        loop.close()
