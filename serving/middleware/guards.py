"""What stands before requests in one worker: keys, bounds, the log of refusals, the coming end.

Owns that all transports share these. How a refusal is put into bytes is the transports' business.
"""

import asyncio
from dataclasses import dataclass, field

from serving.errors import RequestError
from serving.middleware.access_log import RequestLog
from serving.middleware.admission import Admission, Ticket
from serving.middleware.api_keys import Keys
from serving.middleware.draining import Draining
from serving.middleware.request_context import Caller, Headers, Pairs

_AUTHORIZATION, _KEY = "authorization", "x-api-key"


@dataclass(frozen=True, slots=True)
class Guards:
    """What a request meets before its work begins. Belongs to one event loop.

    Attributes:
        keys: of which one must come with a request that costs something.
        admission: how many such requests are in hand, and for how long.
        draining: whether the server ends soon.
        log: where failed requests are told of.
    """

    keys: Keys
    admission: Admission
    draining: Draining
    log: RequestLog = field(default_factory=RequestLog)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look after the requests of `loop` from now on."""
        self.admission.start(loop)

    def stop(self) -> None:
        """Look no more, and tell what the log left out."""
        self.admission.stop()
        self.log.close()

    def enter(self, headers: Headers) -> Ticket:
        """Let a request in that costs something; give the ticket back to `admission`.

        Raises:
            RequestError: 401, without a known key; 429, while as many are in hand as may be.
        """
        if self.keys:
            self.keys.caller(headers.get(_AUTHORIZATION), headers.get(_KEY))
        return self.admission.enter()

    def refused(self, route: str, caller: Caller, headers: Headers, error: Exception) -> Pairs:
        """Log why a request got no answer; the headers that its refusal has beside its own."""
        asked, more = caller.refusal(route, self._key(headers))
        if isinstance(error, RequestError):
            self.log.refused(asked, error.status, str(error))
            return [*more, *error.headers]
        self.log.crashed(asked, error)
        return more

    def answered(self, route: str, caller: Caller, headers: Headers, code: int) -> Pairs:
        """Log a request that went well; the headers that its answer has beside its own."""
        asked, more = caller.refusal(route, self._key(headers))
        self.log.answered(asked, code)
        return more

    def _key(self, headers: Headers) -> str:
        return self.keys.name(headers.get(_AUTHORIZATION), headers.get(_KEY))
