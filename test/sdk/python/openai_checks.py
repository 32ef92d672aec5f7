"""The checks of OpenAI's library. What stands between "docs:" and "end" is shown in
docs/clients.md."""

# docs: import
from openai import AsyncOpenAI, OpenAI, RateLimitError
# end
from openai import APIStatusError, DefaultAsyncHttpxClient, DefaultHttpxClient
from pydantic import BaseModel

from driver import PIXEL, drive, finished, opened, pieces_of


# docs: connect
def connect(url, key, **options):
    return OpenAI(base_url=f"{url}/v1", api_key=key, **options)


def connect_async(url, key, **options):
    return AsyncOpenAI(base_url=f"{url}/v1", api_key=key, **options)
# end


# docs: limit
def ask_or_wait(client, **question):
    """Asks once. Returns the answer, or the error and how many seconds to wait."""
    try:
        answer = client.with_options(max_retries=0).chat.completions.create(**question)
    except RateLimitError as error:
        return None, error, int(error.response.headers["retry-after"])
    return answer, None, 0


async def ask_or_wait_async(client, **question):
    try:
        answer = await client.with_options(max_retries=0).chat.completions.create(**question)
    except RateLimitError as error:
        return None, error, int(error.response.headers["retry-after"])
    return answer, None, 0
# end


class Greeting(BaseModel):
    count: int
    words: str


LOOK_UP = {
    "name": "look_up",
    "description": "Looks a text up.",
    "strict": True,  # what the library wants of tools whose arguments it parses
    "parameters": {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": False,
    },
}


def client_of(call):
    """The client of a call. The check of retries takes the library as it comes."""
    options = {"http_client": call["http_client"]}
    if call["check"] != "retry":
        options["max_retries"] = 0
    return (connect_async if call["async"] else connect)(call["url"], call["key"], **options)


def hello(call):
    return [{"role": "user", "content": call["prompt"]}]


async def chat(call, **question):
    """Asks for a chat, streamed where the call says so, and returns what came."""
    completions = client_of(call).chat.completions
    body = {"model": call["model"], "messages": hello(call), "extra_body": {"mock": call["mock"]}, **question}
    if not call["stream"]:
        return told(await finished(completions.parse(**body)))
    reasoning, pieces = "", 0
    async with opened(completions.stream(**body, stream_options={"include_usage": True})) as stream:
        async for event in pieces_of(stream):
            pieces += event.type == "content.delta" and event.delta != ""  # the first has a role only
            if event.type == "chunk" and event.chunk.choices:
                reasoning += (event.chunk.choices[0].delta.model_extra or {}).get("reasoning") or ""
        answer = await finished(stream.get_final_completion())
    return {**told(answer), "reasoning": reasoning, "pieces": pieces}


def told(answer):
    choice, usage = answer.choices[0], answer.usage
    message = choice.message
    return {
        "model": answer.model,
        "text": message.content or "",
        "finish": choice.finish_reason,
        "reasoning": (message.model_extra or {}).get("reasoning") or "",
        "parsed": message.parsed and message.parsed.model_dump(),
        "tools": [{"name": c.function.name, "arguments": c.function.arguments} for c in message.tool_calls or []],
        "logprobs": [
            {"token": t.token, "logprob": t.logprob, "top": [a.token for a in t.top_logprobs]}
            for t in (choice.logprobs and choice.logprobs.content) or []
        ],
        "usage": {
            "input": usage.prompt_tokens,
            "output": usage.completion_tokens,
            "cached": (usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) or 0,
        },
    }


async def respond(call, **question):
    """Asks for a response, streamed where the call says so."""
    responses = client_of(call).responses
    body = {"model": call["model"], "input": call["prompt"], "extra_body": {"mock": call["mock"]}, **question}
    if not call["stream"]:
        return told_response(await finished(responses.parse(**body)))
    pieces = 0
    async with opened(responses.stream(**body)) as stream:
        async for event in pieces_of(stream):
            pieces += event.type == "response.output_text.delta"
        answer = await finished(stream.get_final_response())
    return {**told_response(answer), "pieces": pieces}


def told_response(answer):
    return {
        "model": answer.model,
        "text": answer.output_text,
        "finish": answer.status,
        "parsed": answer.output_parsed and answer.output_parsed.model_dump(),
        "tools": [{"name": i.name, "arguments": i.arguments} for i in answer.output if i.type == "function_call"],
        "usage": {
            "input": answer.usage.input_tokens,
            "output": answer.usage.output_tokens,
            "cached": answer.usage.input_tokens_details.cached_tokens,
        },
    }


async def embeddings(call):
    answer = await finished(client_of(call).embeddings.create(model=call["model"], input=["Once", "upon a time"]))
    return {"vectors": [d.embedding for d in answer.data], "usage": {"input": answer.usage.prompt_tokens}}


async def models(call):
    client = client_of(call)
    listed = [model.id async for model in pieces_of(client.models.list())]
    one = await finished(client.models.retrieve(call["model"]))
    return {"models": listed, "model": one.id, "finish": f"{one.object} of {one.created}"}


async def limit(call):
    ask = ask_or_wait_async if call["async"] else ask_or_wait
    question = {"model": call["model"], "messages": hello(call), "extra_body": {"mock": call["mock"]}}
    answer, error, wait_seconds = await finished(ask(client_of(call), **question))
    if error:
        error.wait_seconds = wait_seconds
        raise error
    return {"text": answer.choices[0].message.content}


def describe(error):
    if not isinstance(error, APIStatusError):
        return {}
    return {
        "status": error.status_code,
        "code": str(error.code),
        "type": error.type,
        "requestID": error.request_id,
        "headers": dict(error.response.headers),
        "waitSeconds": getattr(error, "wait_seconds", 0),
    }


CHECKS = {
    "chat": chat,
    "retry": chat,
    "tools": lambda call: chat(call, tools=[{"type": "function", "function": LOOK_UP}], tool_choice="auto"),
    "logprobs": lambda call: chat(call, logprobs=True, top_logprobs=2),
    "structured": lambda call: chat(call, response_format=Greeting),
    "image": lambda call: chat(
        call,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}},
                ],
            }
        ],
    ),
    "responses": respond,
    "responses tools": lambda call: respond(call, tools=[{"type": "function", **LOOK_UP}]),
    "responses structured": lambda call: respond(call, text_format=Greeting),
    "embeddings": embeddings,
    "models": models,
    "limit": limit,
}

if __name__ == "__main__":
    drive(CHECKS, describe, (DefaultHttpxClient, DefaultAsyncHttpxClient))
