// The checks of the AI SDK. What stands between "docs:" and "end" is shown in
// docs/clients.md.
// docs: import
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText } from 'ai';
// end
import { Output, RetryError, embedMany, streamText, tool } from 'ai';
import { z } from 'zod';

import { drive, fields, pixel } from './driver.mjs';

// docs: connect
export function connect({ url, key, ...options }) {
  return createOpenAICompatible({
    name: 'gateway',
    baseURL: `${url}/v1`,
    apiKey: key,
    includeUsage: true, // streams tell their usage
    supportsStructuredOutputs: true, // schemas reach the model server
    ...options,
  });
}
// end

// docs: limit
export async function askOrWait(model, question) {
  try {
    return { answer: await generateText({ model, ...question, maxRetries: 0 }) };
  } catch (error) {
    if (!APICallError.isInstance(error) || error.statusCode !== 429) throw error;
    return { error, waitSeconds: Number(error.responseHeaders['retry-after']) };
  }
}
// end

const model = ({ url, key, fetch, model }) => connect({ url, key, fetch }).chatModel(model);

const tools = {
  look_up: tool({ description: 'Looks a text up.', inputSchema: z.object({ text: z.string() }) }),
};
const greeting = z.object({ count: z.number().int(), words: z.string() });

/** Asks for a text, streamed where the call says so, and returns what came. */
async function text(call, question) {
  const all = { model: model(call), providerOptions: { gateway: { mock: call.mock } }, prompt: call.prompt, ...question };
  if (call.check !== 'retry') all.maxRetries = 0; // which takes the library as it comes
  if (!call.stream) return told(await generateText(all), question);
  const answer = streamText({ ...all, onError: () => {} }); // the stream has the error too
  let pieces = 0;
  for await (const part of answer.fullStream) {
    if (part.type === 'error') throw part.error;
    if (part.type === 'text-delta') pieces++;
  }
  const names = ['text', 'finishReason', 'reasoningText', 'toolCalls', 'usage', 'response', ...(question.output ? ['output'] : [])];
  const values = await Promise.all(names.map((name) => answer[name]));
  return { ...told(Object.fromEntries(names.map((name, i) => [name, values[i]])), question), pieces };
}

function told(answer, question) {
  const { usage } = answer;
  return {
    model: answer.response.modelId,
    text: answer.text,
    finish: answer.finishReason,
    reasoning: answer.reasoningText,
    parsed: question.output ? answer.output : undefined,
    tools: answer.toolCalls.map(({ toolName, input }) => ({ name: toolName, arguments: JSON.stringify(input) })),
    usage: { input: usage.inputTokens, output: usage.outputTokens, cached: usage.inputTokenDetails?.cacheReadTokens ?? 0 },
  };
}

const last = (error) => (RetryError.isInstance(error) ? error.lastError : error);

drive(
  {
    chat: (call) => text(call, {}),
    tools: (call) => text(call, { tools }),
    structured: (call) => text(call, { output: Output.object({ schema: greeting, name: 'greeting' }) }),
    image: (call) =>
      text(call, {
        prompt: [
          { role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image', image: Buffer.from(pixel, 'base64') }] },
        ],
      }),
    async embeddings(call) {
      const { embeddings, usage } = await embedMany({
        model: connect({ url: call.url, key: call.key, fetch: call.fetch }).embeddingModel(call.model),
        values: ['Once', 'upon a time'],
        maxRetries: 0,
      });
      return { vectors: embeddings, usage: { input: usage.tokens } };
    },
    async limit(call) {
      const question = { prompt: call.prompt, providerOptions: { gateway: { mock: call.mock } } };
      const { answer, error, waitSeconds } = await askOrWait(model(call), question);
      if (answer) return told(answer, {});
      throw Object.assign(error, { waitSeconds });
    },
    retry: (call) => text(call, {}),
  },
  (error) => {
    const e = last(error);
    if (!APICallError.isInstance(e)) return {};
    return {
      class: e.name,
      status: e.statusCode,
      code: String(e.data?.error?.code),
      type: e.data?.error?.type,
      param: e.data?.error?.param,
      message: e.message,
      requestID: e.responseHeaders?.['x-request-id'],
      headers: fields(e.responseHeaders),
      retryable: e.isRetryable,
      waitSeconds: e.waitSeconds,
    };
  },
);
