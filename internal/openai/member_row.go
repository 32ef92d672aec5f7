package openai

// Treatment says what becomes of a member of a request body. The zero value is that of a
// member that nobody has classified.
type Treatment uint8

// The treatments.
const (
	Passed     Treatment = iota + 1 // sent as it is: it neither reaches a prompt nor changes cost or metering
	Priced                          // sent as it is: its text may reach the prompt, and so counts as input
	Overridden                      // read; the gateway may write a value of its own, or leave it out
	HeldBack                        // refused, unless the model's allow-fields list it
)

// String returns the treatment in words, such as "held back".
func (t Treatment) String() string {
	return [...]string{"unknown", "passed", "priced", "overridden", "held back"}[t]
}

// Member is a member of a request body that somebody has classified.
type Member struct {
	Name      string
	Treatment Treatment
	Why       string // in a few words of English
}

// row is members that have treatment, reader and reason in common.
type row struct {
	treatment Treatment
	reader    param
	names     string // separated by spaces
	why       string // in a few words of English
}

// by returns a row of members that a reader of their own reads.
func (t Treatment) by(reader param, names, why string) row {
	return row{t, reader, names, why}
}

// of returns a row of members that are read as their treatment says; one that is overridden
// has a reader of its own.
func (t Treatment) of(names, why string) row {
	readers := [...]param{Passed: paramPassed, Priced: paramPriced, HeldBack: paramHeldBack}
	return row{t, readers[t], names, why}
}
