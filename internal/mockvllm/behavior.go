package mockvllm

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Behavior says how one request is answered. A request carries its own in the
// body's member "mock"; what it leaves out is the server's default (see
// [Server.SetDefaults]). The zero value answers at once and properly.
type Behavior struct {
	// OutputTokens is the number of tokens that each choice generates unless
	// the request caps it. Nil draws from [Options.OutputTokens].
	OutputTokens *int64 `json:"output_tokens"`
	// ChoiceTokens overrides OutputTokens for the first choices.
	ChoiceTokens []int64 `json:"choice_tokens"`
	// InputTokens overrides the count of each prompt's tokens.
	InputTokens *int64 `json:"input_tokens"`
	// CachedTokens is told as the part of the input that came from the prefix
	// cache. 0 leaves the details out, as vLLM does by default.
	CachedTokens int64 `json:"cached_tokens"`
	// ReasoningTokens is the number of tokens at the start of each choice that
	// are reasoning and not content (chat completions and messages).
	ReasoningTokens int64 `json:"reasoning_tokens"`
	// ToolCall answers with a call of the first tool instead of content (chat
	// completions, responses and messages). Every token is a piece of its
	// arguments.
	ToolCall bool `json:"tool_call"`
	// Language is the language of the text.
	Language Language `json:"language"`
	// TokenBytes lengthens every token of [Latin] to this many bytes;
	// [CountTokens] then no longer applies.
	TokenBytes int `json:"token_bytes"`
	// User is the ledger's user, before the body's own user and metadata.user_id.
	User string `json:"user"`

	// FirstTokenMillis and TokenMillis pace the answer, streamed or not: time
	// until the first token, and between two tokens of a choice.
	FirstTokenMillis float64 `json:"ttft_ms"`
	TokenMillis      float64 `json:"token_ms"`

	// Usage is how usage is told.
	Usage UsageMode `json:"usage"`
	// OutputCount is the JSON text that usage has in place of the number of output
	// tokens, such as -1, 300.0 or "many"; [Absent] leaves the member out.
	OutputCount string `json:"output_count"`
	// NullUsage writes "usage":null on every completions chunk without usage,
	// and spells out the details that a usage does not have, as vLLM did before
	// it left unset members out there too.
	NullUsage bool `json:"null_usage"`
	// StreamOptions is how the request's stream_options are taken.
	StreamOptions OptionsMode `json:"stream_options"`

	// Fail is what goes wrong, and AfterTokens how many tokens, of all choices
	// together, are sent first. With AfterTokens beyond the answer it goes wrong
	// after the last token.
	Fail        Fault `json:"fail"`
	AfterTokens int64 `json:"after_tokens"`
	// FailAttempts limits Fail and Status to the first attempts that carry the
	// same X-Request-Id, so that a retry succeeds. 0: all.
	FailAttempts int `json:"fail_attempts"`
	// Status, from 400 up, answers with this status and generates nothing; Body
	// replaces the error body, RetryAfter is the header of that name.
	Status     int    `json:"status"`
	Body       string `json:"body"`
	RetryAfter string `json:"retry_after"`

	// Encoding is the Content-Encoding of the answer, which nobody has asked for:
	// gzip and deflate are done; of any other the bytes are as they are.
	Encoding string `json:"encoding"`
	// AfterDone is how many events with text follow the last one of a stream.
	AfterDone int `json:"after_done"`

	// Split cuts the stream into writes of this many bytes, each flushed.
	Split int `json:"split"`
	// LineEnd ends the lines of the stream.
	LineEnd LineEnd `json:"line_end"`
	// Comments puts a comment before each event, BOM a byte order mark before
	// the first, Multiline spreads each event over two data lines, and Ping
	// sends Anthropic's ping after message_start.
	Comments  bool `json:"comments"`
	BOM       bool `json:"bom"`
	Multiline bool `json:"multiline"`
	Ping      bool `json:"ping"`

	// PaddingBytes makes a JSON answer longer by about so many bytes: a member
	// "padding" with a list of numbers, as its last one or, with PaddingFirst, as its
	// first. It is written as the client reads and never held. PaddingChunked leaves
	// the length of the answer to its end. Of Fail there are Reset, Close and Truncate,
	// in the midst of it; a truncated one ends properly where it is chunked.
	PaddingBytes   int64 `json:"padding_bytes"`
	PaddingFirst   bool  `json:"padding_first"`
	PaddingChunked bool  `json:"padding_chunked"`

	// Ack withholds each event of a stream until [Server.Ack] was called for
	// the one before it; the ledger keeps the time at which each was sent.
	Ack bool `json:"ack"`
}

// Fault is something that goes wrong with an answer.
type Fault string

// The faults, and what they look like.
const (
	NoFault         Fault = ""
	Refuse          Fault = "refuse-before-byte" // the connection is closed without one byte
	ResetBeforeByte Fault = "reset-before-byte"  // it is reset without one byte
	QueueFull       Fault = "queue-full"         // 503, as if no more requests could wait
	Reset           Fault = "reset"              // it is reset between events, or within JSON
	ResetMidEvent   Fault = "reset-mid-event"    // it is reset in the middle of an event
	Close           Fault = "close"              // it is closed in the middle of the body
	Truncate        Fault = "truncate"           // the body ends properly, the answer does not
	Stall           Fault = "stall"              // nothing more comes until the client leaves
	Chatter         Fault = "chatter"            // nothing but comments comes until then
	Malformed       Fault = "malformed"          // one event, or the JSON body, is not JSON
	NoDone          Fault = "no-done"            // the stream's last event does not come
	CloseIdle       Fault = "close-idle"         // it is closed after the answer, unannounced
	// ErrorEvent is an error object inside the stream of status 200 (with AfterTokens 0 as its
	// first event), and 500 for a JSON answer.
	ErrorEvent Fault = "error"
	// Cut sends half of a JSON body, whose end nothing marks but that of its connection.
	Cut Fault = "cut"
)

var faults = []Fault{
	NoFault, Refuse, ResetBeforeByte, QueueFull, Reset, ResetMidEvent, Close, Truncate,
	Stall, Malformed, ErrorEvent, NoDone, CloseIdle, Chatter, Cut,
}

// UsageMode is how usage is told.
type UsageMode string

// The usage modes.
const (
	TellUsage      UsageMode = ""           // as vLLM does
	NoUsage        UsageMode = "none"       // the member is absent everywhere
	NullUsage      UsageMode = "null"       // the member is null
	ZeroUsage      UsageMode = "zero"       // the counts are 0
	FinalUsageOnly UsageMode = "final-only" // continuous_usage_stats is ignored
	ShrinkingUsage UsageMode = "shrinking"  // counts of more than 8 output tokens are told as 1
)

// Absent, as an OutputCount, leaves the count out.
const Absent = "absent"

var usageModes = []UsageMode{
	TellUsage, NoUsage, NullUsage, ZeroUsage, FinalUsageOnly, ShrinkingUsage,
}

// OptionsMode is how stream_options are taken.
type OptionsMode string

// The stream_options modes.
const (
	TakeOptions            OptionsMode = ""
	IgnoreOptions          OptionsMode = "ignore"            // as if they were absent
	RejectOptions          OptionsMode = "reject"            // 400
	RejectContinuousOption OptionsMode = "reject-continuous" // 400 for continuous_usage_stats
)

var optionsModes = []OptionsMode{TakeOptions, IgnoreOptions, RejectOptions, RejectContinuousOption}

// LineEnd ends the lines of a stream.
type LineEnd string

// The line ends that server-sent events may have.
const (
	LF   LineEnd = ""
	CRLF LineEnd = "crlf"
	CR   LineEnd = "cr"
)

var lineEnds = map[LineEnd]string{LF: "\n", CRLF: "\r\n", CR: "\r"}

// check refuses values that are not known, so that a mistyped behaviour fails
// its test instead of changing what it tests.
func (b *Behavior) check() error {
	switch {
	case !slices.Contains(faults, b.Fail):
		return fmt.Errorf("mock.fail: %q is none of %q", b.Fail, faults[1:])
	case !slices.Contains(usageModes, b.Usage):
		return fmt.Errorf("mock.usage: %q is none of %q", b.Usage, usageModes[1:])
	case !slices.Contains(optionsModes, b.StreamOptions):
		modes := optionsModes[1:]
		return fmt.Errorf("mock.stream_options: %q is none of %q", b.StreamOptions, modes)
	case lineEnds[b.LineEnd] == "":
		return fmt.Errorf("mock.line_end: %q is neither crlf nor cr", b.LineEnd)
	case b.Language != Latin && b.Language != Korean:
		return fmt.Errorf("mock.language: %q is not ko", b.Language)
	case b.OutputCount != "" && b.OutputCount != Absent && !json.Valid([]byte(b.OutputCount)):
		return fmt.Errorf("mock.output_count: %q is neither JSON nor %q", b.OutputCount, Absent)
	case b.negative():
		return errors.New("mock: a count or time is negative")
	case b.Status != 0 && (b.Status < 400 || b.Status > 599):
		return fmt.Errorf("mock.status: %d is no error status", b.Status)
	}
	return nil
}

func (b *Behavior) negative() bool {
	counts := append([]int64{
		b.CachedTokens, b.ReasoningTokens, b.AfterTokens, b.PaddingBytes,
		*cmp.Or(b.OutputTokens, new(int64)), *cmp.Or(b.InputTokens, new(int64)),
		int64(min(b.TokenBytes, b.FailAttempts, b.Split, b.AfterDone)),
	}, b.ChoiceTokens...)
	return slices.Min(counts) < 0 || b.FirstTokenMillis < 0 || b.TokenMillis < 0
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
