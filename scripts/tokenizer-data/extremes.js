// The texts that a tokenizer packs best: a token repeated, for the tokens with the most characters or
// words of each class. No lower bound of the input may be above their counts.

const repeats = 8;
const perClass = 3;

const count = (pattern) => (token) => [...token.matchAll(pattern)].length;

const measures = {
  hangul: count(/[\uac00-\ud7a3]/g),
  han: count(/[\u4e00-\u9fff]/g),
  kana: count(/[\u3040-\u30ff]/g),
  words: count(/[A-Za-z]+/g),
  humps: count(/[A-Z]+|[a-z]+/g),
  latin: count(/[A-Za-z]/g),
  digits: count(/[0-9]/g),
  numbers: count(/[0-9]+/g),
  punctuation: count(/[!-/:-@[-`{-~]/g),
  space: count(/ /g),
  gaps: count(/[ \t]+/g),
  letters: count(/[\u00c0-\u07ff]/g),
  marks: count(/[\u2000-\u2fff\u3000-\u303f\uff00-\uffef]/g),
  other: count(/[\u0800-\u1fff]/g),
  astral: count(/[\u{10000}-\u{10ffff}]/gu),
};

export function extremes(tokenizers) {
  return Object.entries(tokenizers).flatMap(([name, tokenizer]) => {
    const tokens = tokenizer.vocabulary().filter((token) => token && !token.includes('\ufffd') && !/^<.*>$/.test(token));
    return Object.entries(measures).flatMap(([measure, of]) => longest(tokens, of).map((token) => {
      const text = token.repeat(repeats);
      return { measure, most: of(token), tokens: { [name]: tokenizer.count(text) }, text };
    }));
  });
}

function longest(tokens, of) {
  return tokens.filter(of).sort((a, b) => of(b) - of(a)).slice(0, perClass);
}
