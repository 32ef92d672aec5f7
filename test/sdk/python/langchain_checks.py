"""The checks of LangChain's provider for OpenAI's API. What stands between "docs:"
and "end" is shown in docs/clients.md."""

import json

# docs: import
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import RateLimitError
# end
from openai import APIStatusError, DefaultAsyncHttpxClient, DefaultHttpxClient
from pydantic import BaseModel

from driver import PIXEL, drive, finished, pieces_of


# docs: connect
def connect(url, key, model, **options):
    return ChatOpenAI(
        base_url=f"{url}/v1",
        api_key=key,
        model=model,
        stream_usage=True,  # streams tell their usage
        **options,
    )


def connect_embeddings(url, key, model, **options):
    return OpenAIEmbeddings(
        base_url=f"{url}/v1",
        api_key=key,
        model=model,
        check_embedding_ctx_length=False,  # texts are sent as texts
        **options,
    )
# end


# docs: limit
def ask_or_wait(chat, question):
    """Asks a chat of max_retries=0. Returns the answer, or the error and how many seconds to wait."""
    try:
        answer = chat.invoke(question)
    except RateLimitError as error:
        return None, error, int(error.response.headers["retry-after"])
    return answer, None, 0
# end


async def ask_or_wait_async(chat, question):
    try:
        answer = await chat.ainvoke(question)
    except RateLimitError as error:
        return None, error, int(error.response.headers["retry-after"])
    return answer, None, 0


class Greeting(BaseModel):
    count: int
    words: str


def look_up(text: str) -> str:
    """Looks a text up."""
    return text


def options_of(call):
    """Further options of a call. The check of retries takes the library as it comes."""
    options = {("http_async_client" if call["async"] else "http_client"): call["http_client"]}
    if call["check"] != "retry":
        options["max_retries"] = 0
    return options


def chat_of(call):
    return connect(call["url"], call["key"], call["model"], extra_body={"mock": call["mock"]}, **options_of(call))


async def answer_of(call, chat, question):
    """Asks, streamed where the call says so, and returns what came and in how many pieces its text did."""
    if not call["stream"]:
        return await finished(chat.ainvoke(question) if call["async"] else chat.invoke(question)), 0
    whole, pieces = None, 0
    async for chunk in pieces_of(chat.astream(question) if call["async"] else chat.stream(question)):
        pieces += bool(getattr(chunk, "content", ""))  # where the answer is structured it is a dictionary
        whole = chunk if whole is None else whole + chunk
    return whole, pieces


async def chat(call, bind=lambda chat: chat, question=None):
    answer, pieces = await answer_of(call, bind(chat_of(call)), question or call["prompt"])
    return {**told(answer), "pieces": pieces}


async def structured(call):
    chat = chat_of(call).with_structured_output(Greeting, include_raw=True)
    answer, _ = await answer_of(call, chat, call["prompt"])
    return {**told(answer["raw"]), "parsed": answer["parsed"].model_dump()}


def told(answer):
    usage, about = answer.usage_metadata, answer.response_metadata
    return {
        "model": about["model_name"],
        "text": answer.content,
        "finish": about["finish_reason"],
        "tools": [{"name": c["name"], "arguments": json.dumps(c["args"])} for c in answer.tool_calls],
        "logprobs": [
            {"token": t["token"], "logprob": t["logprob"], "top": [a["token"] for a in t["top_logprobs"]]}
            for t in (about.get("logprobs") or {}).get("content") or []
        ],
        "usage": {
            "input": usage["input_tokens"],
            "output": usage["output_tokens"],
            "cached": usage.get("input_token_details", {}).get("cache_read", 0),
        },
    }


async def embeddings(call):
    model = connect_embeddings(call["url"], call["key"], call["model"], **options_of(call))
    texts = ["Once", "upon a time"]
    return {"vectors": await finished(model.aembed_documents(texts) if call["async"] else model.embed_documents(texts))}


async def limit(call):
    ask = ask_or_wait_async if call["async"] else ask_or_wait
    answer, error, wait_seconds = await finished(ask(chat_of(call), call["prompt"]))
    if error:
        error.wait_seconds = wait_seconds
        raise error
    return told(answer)


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
    "tools": lambda call: chat(call, lambda chat: chat.bind_tools([look_up])),
    "logprobs": lambda call: chat(call, lambda chat: chat.bind(logprobs=True, top_logprobs=2)),
    "structured": structured,
    "image": lambda call: chat(
        call,
        question=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}},
                ],
            }
        ],
    ),
    "embeddings": embeddings,
    "limit": limit,
}

if __name__ == "__main__":
    drive(CHECKS, describe, (DefaultHttpxClient, DefaultAsyncHttpxClient))
