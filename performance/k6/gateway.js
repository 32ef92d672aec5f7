// What the scripts share: where the gateway is, a chat request in the name of
// a user, and what its answer must look like. A user is either served or told
// when to come again; anything else is a failure.
import { check, sleep } from 'k6';
import http from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';

// Environment: every script reads these; README.md of performance has them.
export const settings = {
  url: (__ENV.BASE_URL || 'http://127.0.0.1:8080').replace(/\/+$/, ''),
  model: __ENV.MODEL || 'llama2-7b',
  key: __ENV.API_KEY || '',
  users: whole('USERS', 20),
  duration: __ENV.DURATION || '1m',
  rate: whole('RATE', 50),
  maxTokens: whole('MAX_TOKENS', 64),
  thinkMillis: whole('THINK_MS', 200),
  p95Millis: whole('P95_MS', 2000),
};

function whole(name, otherwise) {
  const text = __ENV[name] || String(otherwise);
  if (!/^[1-9][0-9]*$/.test(text)) {
    throw new Error(`${name} is ${JSON.stringify(text)}, and must be a whole number above 0`);
  }
  return Number(text);
}

const tokens = new Counter('llm_tokens'); // told by usage, tagged with type
const served = new Counter('llm_served');
const denied = new Counter('llm_denied'); // tagged with type: tokens, requests, concurrency, capacity
const unexpected = new Counter('llm_unexpected'); // answers other than 200 and 429
const admittedAfterWait = new Rate('llm_admitted_after_wait');
const firstByte = new Trend('llm_time_to_first_byte', true);
const answerTime = new Trend('llm_answer_time', true); // of those that were served
const denialTime = new Trend('llm_denial_time', true);

http.setResponseCallback(http.expectedStatuses(200, 429));

// Thresholds of every script; each of them adds to these.
export const thresholds = {
  checks: ['rate==1'],
  http_req_failed: ['rate==0'],
  llm_unexpected: ['count==0'],
  llm_served: ['count>0'], // a run that nobody answered has shown nothing
  llm_denial_time: ['p(95)<500'],
};

// chat sends one request in the name of a user and checks its answer. It
// returns for how many seconds the user was told to wait, 0 if it was served,
// and what was in the way.
export function chat(user, stream) {
  const body = {
    model: settings.model,
    messages: [{ role: 'user', content: 'Tell me a story about the sea.' }],
    max_tokens: settings.maxTokens,
    stream: stream,
  };
  if (stream) body.stream_options = { include_usage: true };
  const headers = { 'Content-Type': 'application/json', 'X-User-ID': user };
  if (settings.key) headers.Authorization = `Bearer ${settings.key}`;
  const kind = stream ? 'stream' : 'json';
  const answer = http.post(`${settings.url}/v1/chat/completions`, JSON.stringify(body), {
    headers: headers,
    tags: { kind: kind, name: `chat ${kind}` },
    timeout: '120s',
  });
  switch (answer.status) {
    case 200:
      judgeServed(answer, stream);
      return { wait: 0, type: '' };
    case 429:
      return judgeDenied(answer);
    default:
      unexpected.add(1);
      check(answer, { 'the status is 200 or 429': () => false });
      return { wait: 1, type: '' };
  }
}

function judgeServed(answer, stream) {
  served.add(1);
  firstByte.add(answer.timings.waiting);
  answerTime.add(answer.timings.duration);
  const usage = stream ? usageOfStream(answer) : usageOf(answer.body);
  check(answer, {
    'an answer tells its usage': () => usage !== null && usage.completion_tokens > 0,
    'a stream is whole': () => !stream || answer.body.endsWith('data: [DONE]\n\n'),
    'an answer tells what is left': (r) => r.headers['X-Ratelimit-Remaining-Tokens'] !== undefined,
  });
  if (usage !== null) {
    tokens.add(usage.prompt_tokens, { type: 'input' });
    tokens.add(usage.completion_tokens, { type: 'output' });
  }
}

function judgeDenied(answer) {
  const error = parse(answer.body).error || {};
  denied.add(1, { type: String(error.type) });
  denialTime.add(answer.timings.duration);
  const wait = Number(answer.headers['Retry-After']);
  check(answer, {
    'a denial says when to come again': () => Number.isInteger(wait) && wait >= 1,
    'a denial says why': () => error.code === 'rate_limit_exceeded' && error.message !== '',
  });
  return { wait: wait >= 1 ? wait : 1, type: error.type };
}

// usageOfStream returns the usage in the last event that has any.
function usageOfStream(answer) {
  const events = answer.body.split('\n\n').filter((e) => e.startsWith('data: {') && e.includes('"usage"'));
  return events.length === 0 ? null : usageOf(events[events.length - 1].slice('data: '.length));
}

function usageOf(text) {
  return parse(text).usage || null;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch (_) {
    return {};
  }
}

// converse sends one request, and if it is denied waits as long as it was told
// and sends it once more. Whoever is alone with an account is admitted then.
export function converse(user, stream) {
  const first = chat(user, stream);
  if (first.wait === 0) return;
  sleep(first.wait);
  const second = chat(user, stream);
  // Slots are everybody's: who waited for one may have lost it to another.
  if (first.type === 'tokens' || first.type === 'requests') {
    admittedAfterWait.add(second.wait === 0 || second.type === 'concurrency');
  }
}
