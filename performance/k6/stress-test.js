// Stress: requests arrive whether or not the ones before are answered, more of
// them every moment up to RATE a second, then a burst of twice as many, then
// none. Users share USERS accounts and do not wait when they are denied. The
// gateway must go on answering 200 or 429, and denials must stay quick.
import exec from 'k6/execution';

import { chat, settings, thresholds } from './gateway.js';

const [, amount, unit] = /^([0-9]+)(s|m)$/.exec(settings.duration) || [];
if (amount === undefined) {
  throw new Error(`DURATION is ${JSON.stringify(settings.duration)}, and must be like 90s or 5m for a stress test`);
}
const seconds = Math.max(10, Number(amount) * (unit === 'm' ? 60 : 1));
const part = (share) => `${Math.round(seconds * share)}s`;

export const options = {
  scenarios: {
    arrivals: {
      executor: 'ramping-arrival-rate',
      startRate: 1,
      timeUnit: '1s',
      // Clients that are made when they are needed come too late for their request:
      // those for the burst, at two seconds an answer, are there from the start.
      preAllocatedVUs: Math.min(4 * settings.rate, 400),
      maxVUs: 1000,
      gracefulStop: '10s',
      stages: [
        { target: settings.rate, duration: part(0.4) },
        { target: settings.rate, duration: part(0.3) },
        { target: 2 * settings.rate, duration: part(0.1) },
        { target: 2 * settings.rate, duration: part(0.1) },
        { target: 0, duration: part(0.1) },
      ],
    },
  },
  thresholds: Object.assign({}, thresholds, {
    llm_answer_time: [`p(95)<${2 * settings.p95Millis}`],
    dropped_iterations: ['count==0'], // requests that found no free client: the load was not what was asked for
  }),
};

export default function () {
  const n = exec.scenario.iterationInTest;
  chat(`k6-stress-${n % settings.users}`, n % 2 === 0);
}
