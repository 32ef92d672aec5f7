package limit

// Meter is what a limit counts. The zero value is Tokens.
type Meter uint8

// The meters that are charged to windows. Concurrent requests are a gauge and
// no meter of a window: see Policy.
const (
	Tokens       Meter = iota // input + output tokens
	InputTokens               // prompt tokens, cached ones included
	OutputTokens              // generated tokens
	Requests                  // admitted requests
	meters       = iota
)

// Meters are all of them.
var Meters = [meters]Meter{Tokens, InputTokens, OutputTokens, Requests}

var meterNames = [meters]string{"tokens", "input_tokens", "output_tokens", "requests"}

// String returns the name used in metrics and error bodies, such as
// "input_tokens".
func (m Meter) String() string { return meterNames[m] }

// Amount is what one request is charged or has used, for all meters at once.
// The zero value is nothing.
type Amount struct {
	Input    int64 // tokens
	Output   int64 // tokens
	Requests int64
}

// Tokens returns input + output tokens.
func (a Amount) Tokens() int64 { return a.Input + a.Output }

// Of returns how much of a counts on m.
func (a Amount) Of(m Meter) int64 {
	switch m {
	case Tokens:
		return a.Input + a.Output
	case InputTokens:
		return a.Input
	case OutputTokens:
		return a.Output
	}
	return a.Requests
}

// Plus returns a + b, number by number.
func (a Amount) Plus(b Amount) Amount {
	return Amount{a.Input + b.Input, a.Output + b.Output, a.Requests + b.Requests}
}

// Minus returns a - b, number by number; they may become negative.
func (a Amount) Minus(b Amount) Amount {
	return Amount{a.Input - b.Input, a.Output - b.Output, a.Requests - b.Requests}
}
