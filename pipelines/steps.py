"""What a step asks of the cluster that runs it.

Owns sizes, and which variables a step finds. kfp.local
has no use for any of it: there a step is a process with the runner's own environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kfp import kubernetes

from contracts import variables
from contracts.steps import ENVIRONMENT, SECRETS

if TYPE_CHECKING:
    from kfp.dsl import PipelineTask
    from kfp.dsl.base_component import BaseComponent

VARIABLES: Final = (
    "AWS_ALLOW_HTTP",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    variables.TRACKING,
    "ORT_DISABLE_TELEMETRY",
    variables.LAKE,
    variables.REGISTRY,
)
SECRET_VARIABLES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True)
class Size:
    """What a step asks for, and the most that it gets; in Kubernetes' units."""

    cpu: str
    memory: str
    cpu_limit: str
    memory_limit: str


SMALL: Final = Size(cpu="100m", memory="256Mi", cpu_limit="1", memory_limit="1Gi")
LARGE: Final = Size(cpu="500m", memory="512Mi", cpu_limit="4", memory_limit="4Gi")


@dataclass(frozen=True)
class Step:
    """A component as a step of a pipeline; called as the component is.

    `cached` is for one whose result depends on its inputs alone. `repeated` is for one that may
    also be tried twice, since nothing that a user gets wrong shows there. One that `signs` finds
    the signing key, which no other step does.
    """

    component: BaseComponent
    size: Size
    cached: bool = False
    repeated: bool = False
    signs: bool = False

    def __call__(self, **inputs: Any) -> PipelineTask:
        """Add the step to the pipeline that is being described."""
        task = self.component(**inputs)
        kubernetes.use_config_map_as_env(
            task, ENVIRONMENT, {name: name for name in VARIABLES}, optional=True
        )
        secrets = (*SECRET_VARIABLES, *((variables.SIGNING_KEY,) if self.signs else ()))
        kubernetes.use_secret_as_env(task, SECRETS, {name: name for name in secrets}, optional=True)
        task.set_cpu_request(self.size.cpu).set_cpu_limit(self.size.cpu_limit)
        task.set_memory_request(self.size.memory).set_memory_limit(self.size.memory_limit)
        task.set_caching_options(enable_caching=self.cached)
        return task.set_retry(num_retries=1, backoff_duration="5s") if self.repeated else task
