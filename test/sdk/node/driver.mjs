// Runs the checks of one library for the Go tests: a call is a line of JSON on
// standard input, {id, check, url, key, model, stream, mock}, and its outcome a
// line on standard output, {id, result} or {id, error}. Calls run side by side,
// and the process ends with its input.
import { createInterface } from 'node:readline';

/**
 * @param checks what can be called, by name: each gets the call, with a fetch
 *   that watches, and returns a result
 * @param describe tells what an error of the library says: {class, status, code,
 *   message, requestID, headers}
 */
export async function drive(checks, describe) {
  for await (const line of createInterface({ input: process.stdin })) {
    const call = JSON.parse(line);
    answer(checks, describe, call).then((outcome) => console.log(JSON.stringify({ id: call.id, ...outcome })));
  }
}

async function answer(checks, describe, call) {
  const seen = { sent: [], ids: [] };
  let outcome;
  try {
    const check = checks[call.check];
    if (!check) throw new Error(`no check is called ${call.check}`);
    outcome = { result: await check({ ...call, fetch: watching(seen) }) };
  } catch (error) {
    outcome = { error: { class: error?.constructor?.name, message: String(error?.message), ...describe(error) } };
  }
  return { ...outcome, ...seen };
}

/** A fetch that notes what the library sends and the ids of the answers. */
function watching(seen) {
  return async (url, init) => {
    seen.sent.push(init?.body === undefined ? null : JSON.parse(init.body));
    const response = await fetch(url, init);
    seen.ids.push(response.headers.get('x-request-id'));
    return response;
  };
}

/** The header fields of a Headers or of a plain object. */
export function fields(headers) {
  if (!headers) return {};
  return Object.fromEntries(typeof headers.entries === 'function' ? headers.entries() : Object.entries(headers));
}

/** A picture of one pixel. */
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
