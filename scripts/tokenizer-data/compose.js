// Composes texts of varied length and layout from the pieces of a corpus.

// random returns a generator of numbers in [0, 1) with a few methods, seeded by a string.
export function random(seed) {
  let state = [...seed].reduce((h, c) => Math.imul(h ^ c.codePointAt(0), 16777619), 2166136261);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  return { next, below, pick: (list) => list[below(list.length)] };
}

const shortest = 50;
const longest = 4000;

// compose returns a text of 50 to about 4000 characters, short ones being more frequent. Most texts
// keep to one register; "mixed" ones always join two.
export function compose(registers, kind, rng) {
  const length = shortest * (longest / shortest) ** (rng.next() ** 2.4);
  const sources = [rng.pick(registers)];
  if (kind === 'mixed' || rng.next() < 0.25) sources.push(rng.pick(registers));
  const seam = rng.pick(seams);
  let text = '';
  for (let i = 0; text.length < length; i++) {
    const source = sources[Math.floor((i / 3) % sources.length)];
    const piece = vary(rng.pick(source.pieces), source.kind, rng);
    text += (i === 0 ? '' : source.kind === 'code' ? '\n' : seam(i, source.kind)) + piece;
  }
  return kind === 'code' || text.length < longest ? text : text.slice(0, longest);
}

const space = (kind) => (kind === 'chinese' ? '' : ' ');

// How pieces of prose are joined: flowing text twice as often as each of the others.
const seams = [
  (i, kind) => space(kind),
  (i, kind) => (i % 5 === 0 ? '\n\n' : space(kind)),
  () => '\n',
  () => '\n- ',
  (i) => `\n${i + 1}. `,
];

function vary(piece, kind, rng) {
  return kind === 'code' ? varyCode(piece, rng) : fill(piece, rng);
}

// fill puts numbers where a sentence has {n} (two or three digits) or {d} (one digit).
function fill(sentence, rng) {
  return sentence.replace(/\{n\}/g, () => 10 + rng.below(990)).replace(/\{d\}/g, () => 1 + rng.below(9));
}

const nouns = ['order', 'invoice', 'sessionToken', 'tree_node', 'frame', 'ledgerEntry', 'widget', 'peer', 'chunk', 'user_profile'];
const indents = ['\t', '  ', '    '];

// varyCode changes the indentation, the numbers and some names of a snippet, and may cut it short.
function varyCode(snippet, rng) {
  const indent = rng.pick(indents);
  const renamed = rng.pick(nouns);
  let code = snippet
    .replace(/^(\t| {4}| {2})+/gm, (lead) => indent.repeat(lead.replace(/ {4}| {2}/g, '\t').length))
    .replace(/\b(order|item|items|value|values|file|resp|response|event|point|job|user)\b/g, (name) => (rng.next() < 0.5 ? renamed : name))
    .replace(/\d{2,}/g, (digits) => (rng.next() < 0.5 ? String(rng.below(10 ** digits.length)) : digits));
  if (rng.next() < 0.3) code = code.slice(0, Math.max(40, rng.below(code.length)));
  return code;
}
