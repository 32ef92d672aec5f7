package registry

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
)

// SecretPrefix begins every secret that is made here, so that those who scan code and logs for
// secrets find it: SecretPrefix and 49 digits of base 62.
const SecretPrefix = "trl_"

const (
	randomBytes   = 32 // 256 bits
	randomDigits  = 43 // 62^43 > 2^256
	checkDigits   = 6  // 62^6 > 2^32
	secretBytes   = len(SecretPrefix) + randomDigits + checkDigits
	base62Letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// ErrMistyped is returned for a secret that has the prefix of those that are made here and
// cannot be one: a letter is wrong or missing.
var ErrMistyped = errors.New("the API key is mistyped or cut off")

// Hash is the hash of a secret.
type Hash = identity.Hash

// HashOf returns the hash of a secret.
func HashOf(secret string) Hash { return identity.HashOf(secret) }

// ReadHash reads a hash as it is kept: 64 hexadecimal digits.
func ReadHash(digits string) (h Hash, err error) {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(h) {
		return h, errors.New("its hash is no SHA-256")
	}
	return Hash(b), nil
}

// NewSecret returns a secret that nobody else has.
func NewSecret() string {
	var random [randomBytes]byte
	_, _ = rand.Read(random[:]) // it never fails
	body := SecretPrefix + base62(new(big.Int).SetBytes(random[:]), randomDigits)
	return body + checksum(body)
}

// checksum returns the digits that end a secret.
func checksum(body string) string {
	return base62(big.NewInt(int64(sum32(body))), checkDigits)
}

// sum32 returns the CRC-32 of a text without an allocation.
func sum32(text string) uint32 {
	sum := ^uint32(0)
	for i := range len(text) {
		sum = crc32.IEEETable[byte(sum)^text[i]] ^ sum>>8 // #nosec G115 -- its last byte
	}
	return ^sum
}

// base62 returns n in so many digits.
func base62(n *big.Int, digits int) string {
	b := make([]byte, digits)
	base, digit := big.NewInt(int64(len(base62Letters))), new(big.Int)
	for i := digits - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		b[i] = base62Letters[digit.Int64()]
	}
	return string(b)
}

// CheckSecret fails with ErrMistyped where a credential has the prefix and is no secret that
// was made here. It costs less than a look-up. Of any other credential it says nothing.
func CheckSecret(credential string) error {
	if !strings.HasPrefix(credential, SecretPrefix) {
		return nil
	}
	if len(credential) != secretBytes {
		return ErrMistyped
	}
	body, check := credential[:secretBytes-checkDigits], credential[secretBytes-checkDigits:]
	sum := sum32(body)
	for i := checkDigits - 1; i >= 0; i-- {
		if check[i] != base62Letters[sum%62] {
			return ErrMistyped
		}
		sum /= 62
	}
	return nil
}

// written is a secret that was made here, or a good part of one, within a text.
var written = regexp.MustCompile(SecretPrefix + `[0-9A-Za-z]{16,}`)

// Redact returns a text without the secrets that were made here and stand in it: people put them
// where they do not belong, and what is wrong is quoted.
func Redact(text string) string { return written.ReplaceAllString(text, SecretPrefix+"***") }
