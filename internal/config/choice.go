package config

import "github.com/token-rate-limiter/token-rate-limiter/internal/jwt"

// Settings that choose among words.
type (
	// PlainHTTP says which server reads requests that are not encrypted.
	PlainHTTP string
	// Store names where accounts are kept.
	Store string
	// Reserve says how much output is charged before a request is sent.
	Reserve string
	// Overrun says what happens when a running request needs more than the limit has room for.
	Overrun string
	// InputEstimate says how input tokens are counted before a request is sent.
	InputEstimate string
	// UnknownFields says what happens to a body field that nobody has classified.
	UnknownFields string
	// TokenType is a kind of token of an issuer.
	TokenType string
	// Several says what happens to a token that names several tenants.
	Several string
	// May says what limits in a token may do.
	May string
	// LogLevel is the lowest level that is written.
	LogLevel string
	// LogFormat is the shape of a log line.
	LogFormat string
)

// The words.
const (
	PlainHTTPOwn PlainHTTP = "own"      // the gateway's server
	PlainHTTPNet PlainHTTP = "net-http" // Go's

	StoreAuto   Store = "auto" // Redis where it is configured, else memory
	StoreMemory Store = "memory"
	StoreRedis  Store = "redis"

	ReserveExpected  Reserve = "expected"   // what such requests usually take
	ReserveWorstCase Reserve = "worst-case" // the most that it may take

	OverrunDebt Overrun = "debt" // it goes on, and the excess is paid later
	OverrunStop Overrun = "stop" // it is ended properly

	EstimateLearned InputEstimate = "learned" // from what earlier requests took
	EstimateExact   InputEstimate = "exact"   // by the model server's /tokenize

	UnknownDrop   UnknownFields = "drop"   // it is left out of what is sent
	UnknownRefuse UnknownFields = "refuse" // the request is refused

	TypeAccess TokenType = jwt.TypeAccess
	TypeJWT    TokenType = jwt.TypeJWT

	SeveralRefuse Several = "refuse" // it is not taken
	MayLower      May     = "lower"  // the lower of both counts

	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"

	FormatJSON LogFormat = "json"
	FormatText LogFormat = "text"

	modeStrict = "strict" // of Redis: it is asked for every decision
	failClosed = "closed" // while the store is away: requests are answered with 503
)
