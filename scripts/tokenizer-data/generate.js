// Writes ../../internal/usage/testdata: texts in four kinds with their true token counts by five
// tokenizers, and the texts on which each tokenizer is at its most economical. The same input gives
// the same output. Run: npm ci && npm run generate
import { writeFileSync } from 'node:fs';
import { compose, random } from './compose.js';
import { corpus } from './corpus.js';
import { extremes } from './extremes.js';
import { tokenizers } from './tokenizers.js';

const target = new URL('../../internal/usage/testdata/', import.meta.url);
const textsPerKind = 320;
const kinds = ['korean', 'chinese', 'english', 'code', 'mixed'];

const counts = (text) => Object.fromEntries(Object.entries(tokenizers).map(([name, t]) => [name, t.count(text)]));

const write = (name, rows) => writeFileSync(new URL(name, target), rows.map((row) => JSON.stringify(row) + '\n').join(''));

const texts = kinds.flatMap((kind) => {
  const rng = random(kind);
  const registers = corpus(kind);
  return Array.from({ length: kind === 'mixed' ? 100 : textsPerKind }, () => {
    const text = compose(registers, kind, rng);
    return { kind, tokens: counts(text), text };
  });
});
write('texts.jsonl', texts);
write('extremes.jsonl', extremes(tokenizers));
