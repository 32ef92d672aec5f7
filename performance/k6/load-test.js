// Load: as many users as USERS, each in a conversation of its own, for
// DURATION. Half of them stream. Each does what it is told: after a denial it
// waits for Retry-After and must then be admitted.
import { sleep } from 'k6';
import exec from 'k6/execution';

import { converse, settings, thresholds } from './gateway.js';

export const options = {
  scenarios: {
    conversations: {
      executor: 'constant-vus',
      vus: settings.users,
      duration: settings.duration,
      gracefulStop: '5s',
    },
  },
  thresholds: Object.assign({}, thresholds, {
    llm_answer_time: [`p(95)<${settings.p95Millis}`],
    llm_admitted_after_wait: ['rate>0.95'],
  }),
};

export default function () {
  const id = exec.vu.idInTest;
  converse(`k6-load-${id}`, id % 2 === 0);
  sleep(settings.thinkMillis / 1000);
}
