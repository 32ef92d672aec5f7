// The checks of Anthropic's library. What stands between "docs:" and "end" is
// shown in docs/clients.md.
// docs: import
import Anthropic from '@anthropic-ai/sdk';
// end

import { drive, fields, pixel } from './driver.mjs';

// docs: connect
export function connect({ url, key, ...options }) {
  return new Anthropic({ baseURL: url, apiKey: key, ...options });
}
// end

// docs: limit
export async function askOrWait(client, question) {
  try {
    return { answer: await client.messages.create(question, { maxRetries: 0 }) };
  } catch (error) {
    if (!(error instanceof Anthropic.RateLimitError)) throw error;
    return { error, waitSeconds: Number(error.headers.get('retry-after')) };
  }
}
// end

// The check of retries takes the library as it comes.
const client = ({ check, url, key, fetch }) => connect({ url, key, fetch, ...(check === 'retry' ? {} : { maxRetries: 0 }) });

const hello = ({ prompt }) => [{ role: 'user', content: prompt }];
const lookUp = {
  name: 'look_up',
  description: 'Looks a text up.',
  input_schema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
};

/** Asks for a message, streamed where the call says so, and returns what came. */
async function message(call, question) {
  const body = { model: call.model, max_tokens: 100, messages: hello(call), ...question, mock: call.mock };
  if (!call.stream) return told(await client(call).messages.create(body));
  const stream = client(call).messages.stream(body);
  let pieces = 0;
  stream.on('text', () => pieces++);
  return { ...told(await stream.finalMessage()), pieces };
}

function told({ model, content, stop_reason, usage }) {
  const of = (type) => content.filter((block) => block.type === type);
  return {
    model,
    text: of('text').map((block) => block.text).join(''),
    finish: stop_reason,
    reasoning: of('thinking').map((block) => block.thinking).join('') || undefined,
    tools: of('tool_use').map(({ name, input }) => ({ name, arguments: JSON.stringify(input) })),
    usage: { input: usage.input_tokens, output: usage.output_tokens, cached: usage.cache_read_input_tokens ?? 0 },
  };
}

drive(
  {
    chat: (call) => message(call, {}),
    tools: (call) => message(call, { tools: [lookUp], tool_choice: { type: 'auto' } }),
    image: (call) =>
      message(call, {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is this?' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } },
            ],
          },
        ],
      }),
    async count(call) {
      const { input_tokens } = await client(call).messages.countTokens({ model: call.model, messages: hello(call) });
      return { usage: { input: input_tokens } };
    },
    async models(call) {
      const models = [];
      for await (const model of client(call).models.list()) models.push(model.id);
      const { display_name, type, created_at } = await client(call).models.retrieve(call.model);
      return { models, model: display_name, finish: `${type} of ${new Date(created_at).getTime()}` };
    },
    async limit(call) {
      const question = { model: call.model, max_tokens: 100, messages: hello(call), mock: call.mock };
      const { answer, error, waitSeconds } = await askOrWait(client(call), question);
      if (answer) return told(answer);
      throw Object.assign(error, { waitSeconds });
    },
    retry: (call) => message(call, {}),
  },
  (error) =>
    error instanceof Anthropic.APIError
      ? {
          status: error.status,
          code: String(error.error?.error?.code),
          type: error.type,
          requestID: error.requestID,
          headers: fields(error.headers),
          waitSeconds: error.waitSeconds,
        }
      : {},
);
