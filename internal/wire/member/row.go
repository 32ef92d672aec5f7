package member

// Treatment says what becomes of a member of a request body. The zero value is that of a member
// that nobody has classified.
type Treatment uint8

// The treatments.
const (
	// Passed members are sent as they are: they neither reach a prompt nor change cost or metering.
	Passed Treatment = iota + 1
	// Priced members are sent as they are: their text may reach the prompt, and so counts as input.
	Priced
	// Overridden members are read; the gateway may write a value of its own, or leave them out.
	Overridden
	// HeldBack members are refused, unless the model's allow-fields list them.
	HeldBack
)

// Member is a member of a request body that somebody has classified.
type Member struct {
	Name      string
	Treatment Treatment
	Why       string // in a few words of English
}

// Row is members that have treatment, reader and reason in common. The zero row is that of a member
// that nobody has classified.
type Row struct {
	Treatment Treatment
	Reader    Reader
	Names     string // separated by spaces
	Why       string // in a few words of English
}

// By returns a row of members that a reader of their own reads.
func (t Treatment) By(reader Reader, names, why string) Row {
	return Row{t, reader, names, why}
}

// Of returns a row of members that are read as their treatment says; one that is overridden has a
// reader of its own.
func (t Treatment) Of(names, why string) Row {
	readers := [...]Reader{Passed: ReadPassed, Priced: ReadPriced, HeldBack: ReadHeldBack}
	return Row{t, readers[t], names, why}
}
