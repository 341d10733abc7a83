"""Pulumi's dynamic providers of the process target: shells, and no more.

Pulumi stores a dynamic provider's code in the state. These classes hold none: each method
imports the module that does the work, so an edit there is not a change of any resource.
"""

# PLC0415: importing inside the methods is what keeps the serialized provider empty.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi  # noqa: TC002 - Pulumi resolves the annotations of resources at run time
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from infra.dynamic import GONE, Shell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.targets.processes.process import Spec


class _SupervisorProvider(Shell):
    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.targets.processes import stack_folder

        return CreateResult("supervisor", stack_folder.make(props["stack"]))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        # Never a replacement, which would end in a deletion. A state that was made before
        # folders had an identity has none.
        return DiffResult(changes=olds["stack"] != news["stack"] or not olds.get("identity"))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from infra.targets.processes import stack_folder

        return UpdateResult(stack_folder.settle(olds, news["stack"]))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from infra.targets.processes import stack_folder, supervisor

        running = supervisor.is_running(stack_folder.here(props["stack"]))
        return ReadResult(id_, props) if running else GONE

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        from infra.targets.processes import stack_folder

        stack_folder.remove(props)


class _ProcessProvider(Shell):
    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.targets.processes import process

        spec = _spec(props)
        process.run(spec)
        return CreateResult(spec.name, _fields(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        from infra.targets.processes import process

        keys = process.changed(olds, news)
        replaces = [key for key in keys if key == "name"]
        return DiffResult(changes=bool(keys), replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from infra.targets.processes import process

        process.update(process.Spec.of(olds), _spec(news))
        return UpdateResult(_fields(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from infra.targets.processes import process

        files = process.config_files(_spec(props))
        return GONE if files is None else ReadResult(id_, props | {"files": files})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        from infra.targets.processes import process

        process.remove(_spec(props))


class Supervisor(Resource, module="processes", name="Supervisor"):
    """The supervisord of one stack, with the stack's folder on this machine."""

    socket: pulumi.Output[str]

    def __init__(self, name: str, stack: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(_SupervisorProvider(), name, {"stack": stack, "socket": None}, opts)


class Process(Resource, module="processes", name="Process"):
    """One supervised process; its arguments are the fields of `process.Spec`."""

    def __init__(
        self, name: str, spec: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(_ProcessProvider(), name, dict(spec), opts)


def _spec(props: dict[str, Any]) -> Spec:
    from infra.targets.processes import process, stack_folder

    return process.Spec.of(props | {"stack": str(stack_folder.here(props["stack"]).path)})


def _fields(props: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in props.items() if key != "__provider"}
