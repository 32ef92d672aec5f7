"""Runs the checks of one library for the Go tests.

A call is a line of JSON on standard input, {id, check, async, url, key, model,
stream, prompt, mock}, and its outcome a line on standard output, {id, result} or
{id, error}. Calls run side by side, and the process ends with its input.

Each check is written once. It gets a library's client for either world: what that
returns is awaited where it can be (finished, opened, pieces_of). So a check of the
synchronous client blocks its thread, as it does in a program of its users, and those
of the asynchronous one share a loop.
"""

import asyncio
import contextlib
import inspect
import json
import sys
from concurrent.futures import ThreadPoolExecutor

CALLS_MAX = 64  # of synchronous clients at once: one thread each

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def drive(checks, describe, http):
    """Runs calls until the input ends.

    checks has what can be called, by name: each gets the call, with an HTTP client
    that watches as call["http_client"], and returns a result. describe tells what an
    error of the library says. http has the library's own HTTP clients: the
    synchronous one and the asynchronous one.
    """
    asyncio.run(_drive(checks, describe, http))


async def _drive(checks, describe, http):
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(CALLS_MAX))
    running = set()
    while line := await asyncio.to_thread(sys.stdin.readline):
        call = json.loads(line)
        outcome = _answer(checks, describe, http, call)
        if not call["async"]:
            outcome = asyncio.to_thread(asyncio.run, outcome)
        task = asyncio.create_task(_tell(call["id"], outcome))
        running.add(task)
        task.add_done_callback(running.discard)


async def _tell(number, outcome):
    print(json.dumps({"id": number, **await outcome}), flush=True)


async def _answer(checks, describe, http, call):
    seen = {"sent": [], "ids": []}
    try:
        async with opened(_watching(http, call, seen)) as client:
            outcome = {"result": await checks[call["check"]]({**call, "http_client": client})}
    except Exception as error:
        outcome = {"error": {"class": type(error).__name__, "message": str(error), **describe(error)}}
    return {**outcome, **seen}


def _watching(http, call, seen):
    """An HTTP client that notes what the library sends and the ids of the answers."""

    def sent(request):
        seen["sent"].append(json.loads(request.content) if request.content else None)

    def came(response):
        seen["ids"].append(response.headers.get("x-request-id"))

    async def sent_async(request):
        sent(request)

    async def came_async(response):
        came(response)

    synchronous, asynchronous = http
    if call["async"]:
        return asynchronous(event_hooks={"request": [sent_async], "response": [came_async]})
    return synchronous(event_hooks={"request": [sent], "response": [came]})


async def finished(value):
    """What a client returns: awaited where it is the asynchronous one."""
    return await value if inspect.isawaitable(value) else value


@contextlib.asynccontextmanager
async def opened(manager):
    """The context of a manager of either world."""
    if hasattr(manager, "__aenter__"):
        async with manager as inner:
            yield inner
    else:
        with manager as inner:
            yield inner


async def pieces_of(stream):
    """The pieces of a stream of either world."""
    if hasattr(stream, "__aiter__"):
        async for piece in stream:
            yield piece
    else:
        for piece in stream:
            yield piece
