// Package chars counts the characters of texts by kinds that tokenizers treat alike, and how much
// longer a text can become before it is cut into tokens.
//
// It knows no price and no request. It reads the bytes of strangers: any bytes are a text, and
// nothing here allocates or keeps them.
package chars
