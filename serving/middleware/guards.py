"""The guards that every request passes: API keys, admission, the log of refusals, the coming end.

Owns that all transports share these. How a refusal is put into bytes is the transports' business.
"""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType

from contracts.api_keys import HEADER
from serving.errors import RequestError
from serving.metrics.server import Metrics
from serving.middleware.access_log import RequestInfo, RequestLog
from serving.middleware.admission import Admission, Ticket
from serving.middleware.api_keys import ApiKeys
from serving.middleware.draining import Draining
from serving.middleware.request_context import Headers, Pairs, RequestContext

_AUTHORIZATION, _KEY = "authorization", HEADER


@dataclass(frozen=True, slots=True)
class Guards:
    """The guards of one worker. Belongs to one event loop.

    Attributes:
        keys: of which one must come with a request that costs something.
        admission: how many such requests are in hand, and for how long.
        draining: whether the server ends soon.
        metrics: where refusals are counted.
        log: where failed requests are logged.
    """

    keys: ApiKeys
    admission: Admission
    draining: Draining
    metrics: Metrics
    log: RequestLog = field(default_factory=RequestLog)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch over the requests of `loop` from now on."""
        self.admission.start(loop)

    def stop(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Watch no more, and log how many lines were left out."""
        self.admission.stop()
        self.log.close()

    def admit(self, context: RequestContext, headers: Headers, *, infer: bool) -> "Admitted":
        """The time in which a request that costs something is in hand.

        Args:
            context: the request's.
            headers: likewise.
            infer: whether it is an infer request, whose refusal counts as the model's.
        """
        return Admitted(self, context, headers, infer=infer)

    def authenticate(self, context: RequestContext, headers: Headers) -> None:
        """Note the name of a request's key.

        Raises:
            RequestError: 401, without a known key.
        """
        # Compared once: a key that is not known now is not known to the log either.
        context.key = ""
        context.key = self.keys.authenticate(headers.get(_AUTHORIZATION), headers.get(_KEY))

    def refused(
        self, route: str, context: RequestContext, headers: Headers, error: Exception
    ) -> Pairs:
        """Log why a request is refused; the headers that its refusal has beside its own."""
        request, pairs = self._logged(route, context, headers)
        if isinstance(error, RequestError):
            self.log.refused(request, error.status, str(error))
            return [*pairs, *error.headers]
        self.log.crashed(request, error)
        return pairs

    def answered(self, route: str, context: RequestContext, headers: Headers, code: int) -> Pairs:
        """Log a request that went well; the headers that its response has beside its own."""
        request, pairs = self._logged(route, context, headers)
        self.log.answered(request, code)
        return pairs

    def _logged(
        self, route: str, context: RequestContext, headers: Headers
    ) -> tuple[RequestInfo, Pairs]:
        if context.key is None:
            context.key = self.keys.name(headers.get(_AUTHORIZATION), headers.get(_KEY))
        return context.logged(route)


class Admitted:
    """The time in which one request is in hand, as an asynchronous context manager.

    It refuses what may not enter, and what takes too long; refusals of both kinds and those from
    within are counted here and nowhere else. Enter it in the request's own task.

    Raises:
        RequestError: 401, without a known key; 429 and 503 as `Admission.enter`; 408, when the
            request's time is over.
    """

    __slots__ = ("_context", "_guards", "_headers", "_infer", "_ticket")

    def __init__(
        self, guards: Guards, context: RequestContext, headers: Headers, *, infer: bool
    ) -> None:
        """Bind the request; nothing is checked yet."""
        self._guards = guards
        self._context = context
        self._headers = headers
        self._infer = infer
        self._ticket: Ticket

    async def __aenter__(self) -> None:
        guards = self._guards
        try:
            if guards.keys.required:
                guards.authenticate(self._context, self._headers)
            self._ticket = guards.admission.enter()
        except RequestError as error:
            self._count(error)
            raise

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        admission = self._guards.admission
        if error is None:
            admission.leave(self._ticket)
            return
        late = None
        if isinstance(error, asyncio.CancelledError):
            late = admission.overdue(self._ticket)
        admission.leave(self._ticket)
        if late is not None:
            self._count(late)
            raise late from None
        if isinstance(error, RequestError):
            self._count(error)

    def _count(self, error: RequestError) -> None:
        if self._infer:
            self._guards.metrics.refused_request(error.slot, error)
