"""Where one call follows another, each request has an Idempotency-Key of its own, as the description asks for: under one
that came before, the answer tells of what was made then, and that may be gone by now."""

import itertools

import schemathesis
from schemathesis.generation.meta import TestPhase

numbers = itertools.count(1)


@schemathesis.hook
def before_call(context, case, **kwargs):
    key = (case.headers or {}).get("Idempotency-Key")
    if key and case.meta and case.meta.phase.name == TestPhase.STATEFUL:
        case.headers["Idempotency-Key"] = f"{key[:200]}-{next(numbers)}"
