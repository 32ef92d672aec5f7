"""The checks of Anthropic's library. What stands between "docs:" and "end" is shown
in docs/clients.md."""

import json

# docs: import
from anthropic import Anthropic, AsyncAnthropic, RateLimitError
# end
from anthropic import APIStatusError, DefaultAsyncHttpxClient, DefaultHttpxClient

from driver import PIXEL, drive, finished, opened, pieces_of


# docs: connect
def connect(url, key, **options):
    return Anthropic(base_url=url, api_key=key, **options)


def connect_async(url, key, **options):
    return AsyncAnthropic(base_url=url, api_key=key, **options)
# end


# docs: limit
def ask_or_wait(client, **question):
    """Asks once. Returns the answer, or the error and how many seconds to wait."""
    try:
        answer = client.with_options(max_retries=0).messages.create(**question)
    except RateLimitError as error:
        return None, error, int(error.response.headers["retry-after"])
    return answer, None, 0
# end


async def ask_or_wait_async(client, **question):
    try:
        answer = await client.with_options(max_retries=0).messages.create(**question)
    except RateLimitError as error:
        return None, error, int(error.response.headers["retry-after"])
    return answer, None, 0


LOOK_UP = {
    "name": "look_up",
    "description": "Looks a text up.",
    "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}


def client_of(call):
    """The client of a call. The check of retries takes the library as it comes."""
    options = {"http_client": call["http_client"]}
    if call["check"] != "retry":
        options["max_retries"] = 0
    return (connect_async if call["async"] else connect)(call["url"], call["key"], **options)


def hello(call):
    return [{"role": "user", "content": call["prompt"]}]


def question_of(call):
    return {"model": call["model"], "max_tokens": 100, "messages": hello(call), "extra_body": {"mock": call["mock"]}}


async def message(call, **question):
    """Asks for a message, streamed where the call says so, and returns what came."""
    messages = client_of(call).messages
    body = {**question_of(call), **question}
    if not call["stream"]:
        return told(await finished(messages.create(**body)))
    pieces = 0
    async with opened(messages.stream(**body)) as stream:
        async for _ in pieces_of(stream.text_stream):
            pieces += 1
        answer = await finished(stream.get_final_message())
    return {**told(answer), "pieces": pieces}


def told(answer):
    def of(kind):
        return [block for block in answer.content if block.type == kind]

    return {
        "model": answer.model,
        "text": "".join(block.text for block in of("text")),
        "finish": answer.stop_reason,
        "reasoning": "".join(block.thinking for block in of("thinking")),
        "tools": [{"name": block.name, "arguments": json.dumps(block.input)} for block in of("tool_use")],
        "usage": {
            "input": answer.usage.input_tokens,
            "output": answer.usage.output_tokens,
            "cached": answer.usage.cache_read_input_tokens or 0,
        },
    }


async def count(call):
    answer = await finished(client_of(call).messages.count_tokens(model=call["model"], messages=hello(call)))
    return {"usage": {"input": answer.input_tokens}}


async def models(call):
    client = client_of(call)
    listed = [model.id async for model in pieces_of(client.models.list())]
    one = await finished(client.models.retrieve(call["model"]))
    return {"models": listed, "model": one.display_name, "finish": f"{one.type} of {one.created_at.timestamp():.0f}"}


async def limit(call):
    ask = ask_or_wait_async if call["async"] else ask_or_wait
    answer, error, wait_seconds = await finished(ask(client_of(call), **question_of(call)))
    if error:
        error.wait_seconds = wait_seconds
        raise error
    return told(answer)


def describe(error):
    if not isinstance(error, APIStatusError):
        return {}
    return {
        "status": error.status_code,
        "code": str(error.body["error"].get("code")),
        "type": error.type,
        "requestID": error.request_id,
        "headers": dict(error.response.headers),
        "waitSeconds": getattr(error, "wait_seconds", 0),
    }


CHECKS = {
    "chat": message,
    "retry": message,
    "tools": lambda call: message(call, tools=[LOOK_UP], tool_choice={"type": "auto"}),
    "image": lambda call: message(
        call,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
                ],
            }
        ],
    ),
    "count": count,
    "models": models,
    "limit": limit,
}

if __name__ == "__main__":
    drive(CHECKS, describe, (DefaultHttpxClient, DefaultAsyncHttpxClient))
