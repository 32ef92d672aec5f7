// The checks of OpenAI's library. What stands between "docs:" and "end" is shown
// in docs/clients.md.
// docs: import
import OpenAI from 'openai';
// end
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { drive, fields, pixel } from './driver.mjs';

// docs: connect
export function connect({ url, key, ...options }) {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: key, ...options });
}
// end

// docs: limit
export async function askOrWait(client, question) {
  try {
    return { answer: await client.chat.completions.create(question, { maxRetries: 0 }) };
  } catch (error) {
    if (!(error instanceof OpenAI.RateLimitError)) throw error;
    return { error, waitSeconds: Number(error.headers.get('retry-after')) };
  }
}
// end

// The check of retries takes the library as it comes.
const client = ({ check, url, key, fetch }) => connect({ url, key, fetch, ...(check === 'retry' ? {} : { maxRetries: 0 }) });

const hello = ({ prompt }) => [{ role: 'user', content: prompt }];
const lookUp = {
  type: 'function',
  function: {
    name: 'look_up',
    description: 'Looks a text up.',
    strict: true, // what the library wants of tools whose arguments it parses
    parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'], additionalProperties: false },
  },
};
const greeting = z.object({ count: z.number().int(), words: z.string() });

/** Asks for a chat, streamed where the call says so, and returns what came. */
async function chat(call, question) {
  const body = { model: call.model, messages: hello(call), ...question, mock: call.mock };
  if (!call.stream) return told(await client(call).chat.completions.parse(body));
  const stream = client(call).chat.completions.stream({ ...body, stream_options: { include_usage: true } });
  let pieces = 0;
  let reasoning = '';
  for await (const chunk of stream) {
    const delta = chunk.choices[0]?.delta;
    if (delta?.content) pieces++;
    reasoning += delta?.reasoning ?? '';
  }
  const answer = told(await stream.finalChatCompletion());
  return { ...answer, reasoning: reasoning || undefined, pieces };
}

function told({ model, choices: [{ message, finish_reason, logprobs }], usage }) {
  return {
    model,
    text: message.content ?? '',
    finish: finish_reason,
    reasoning: message.reasoning ?? undefined,
    parsed: message.parsed ?? undefined,
    tools: (message.tool_calls ?? []).map(({ function: f }) => ({ name: f.name, arguments: f.arguments })),
    logprobs: logprobs?.content?.map((t) => ({ token: t.token, logprob: t.logprob, top: t.top_logprobs.map((a) => a.token) })),
    usage: {
      input: usage.prompt_tokens,
      output: usage.completion_tokens,
      cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
    },
  };
}

/** Asks for a response, streamed where the call says so. */
async function respond(call, question) {
  const body = { model: call.model, input: call.prompt, ...question, mock: call.mock };
  if (!call.stream) return toldResponse(await client(call).responses.parse(body));
  const stream = client(call).responses.stream(body);
  let pieces = 0;
  for await (const event of stream) if (event.type === 'response.output_text.delta') pieces++;
  return { ...toldResponse(await stream.finalResponse()), pieces };
}

function toldResponse({ model, output, output_text, output_parsed, status, usage }) {
  return {
    model,
    text: output_text,
    finish: status,
    parsed: output_parsed ?? undefined,
    tools: output.filter((item) => item.type === 'function_call').map(({ name, arguments: a }) => ({ name, arguments: a })),
    usage: { input: usage.input_tokens, output: usage.output_tokens, cached: usage.input_tokens_details.cached_tokens },
  };
}

drive(
  {
    chat: (call) => chat(call, {}),
    tools: (call) => chat(call, { tools: [lookUp], tool_choice: 'auto' }),
    logprobs: (call) => chat(call, { logprobs: true, top_logprobs: 2 }),
    structured: (call) => chat(call, { response_format: zodResponseFormat(greeting, 'greeting') }),
    image: (call) =>
      chat(call, {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is this?' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}`, detail: 'low' } },
            ],
          },
        ],
      }),
    responses: (call) => respond(call, {}),
    'responses structured': (call) => respond(call, { text: { format: zodTextFormat(greeting, 'greeting') } }),
    'responses tools': (call) => respond(call, { tools: [{ type: 'function', ...lookUp.function }] }),
    async embeddings(call) {
      const { data, usage } = await client(call).embeddings.create({ model: call.model, input: ['Once', 'upon a time'] });
      return { vectors: data.map((d) => d.embedding), usage: { input: usage.prompt_tokens } };
    },
    async models(call) {
      const models = [];
      for await (const model of client(call).models.list()) models.push(model.id);
      const { id, object, created } = await client(call).models.retrieve(call.model);
      return { models, model: id, finish: `${object} of ${created}` };
    },
    async limit(call) {
      const { answer, error, waitSeconds } = await askOrWait(client(call), { model: call.model, messages: hello(call), mock: call.mock });
      if (answer) return told(answer);
      throw Object.assign(error, { waitSeconds });
    },
    retry: (call) => chat(call, {}),
  },
  (error) =>
    error instanceof OpenAI.APIError
      ? {
          status: error.status,
          code: String(error.code),
          type: error.type,
          param: error.param,
          requestID: error.requestID,
          headers: fields(error.headers),
          waitSeconds: error.waitSeconds,
        }
      : {},
);
