package member

// Reader is what reads a member of a request body. Which member has which stands in the rows, and
// nowhere else. The zero value is that of a member that nobody has classified.
type Reader uint8

// The readers. Their order matters to Waits and Decides.
const (
	ReadUnknown Reader = iota // nobody has classified the member

	// What nobody reads, and what is decided when the whole body is read.
	ReadPassed
	ReadNumbers
	ReadPriced
	ReadNull // what is null: left out, and not told
	ReadLeftOut
	ReadSilencing
	ReadPriority
	ReadBackground
	ReadEmbeds
	ReadHeldBack

	// What decides about the answer; its null is left out.
	ReadStream
	ReadStreamOptions
	ReadOutputCap
	ReadMinTokens
	ReadIgnoreEOS
	ReadN
	ReadBestOf
	ReadUseBeamSearch
	ReadTruncatePromptTokens
	ReadTruncation

	ReadEcho     // passed, and remembered
	ReadEncoding // passed, but for values that are held back

	// What ends in the prompt, and the model's name.
	ReadModel
	ReadMessages
	ReadInput
	ReadPrompt
	ReadTokens
	ReadSystem
	ReadSuffix
	ReadTools
	ReadTemplateArguments
	ReadDocuments
	ReadQuery
	ReadLeft
	ReadRight
	ReadPreviousItems
)

// Waits reports whether it is known only at the end of the body, where the model's name and the
// other members are, what becomes of the member.
func (m Reader) Waits() bool { return m == ReadUnknown || m >= ReadNull && m <= ReadHeldBack }

// Decides reports whether the member decides about the answer. Servers disagree about what null
// means there; here it is the same as leaving the member out, and so it is left out.
func (m Reader) Decides() bool { return m >= ReadStream && m <= ReadTruncation }
