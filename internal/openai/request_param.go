package openai

// param is what reads a member of a request body. Which member has which stands in the rows,
// and nowhere else. The zero value is that of a member that nobody has classified.
type param uint8

const (
	paramUnknown param = iota // nobody has classified the member

	// What nobody reads, and what is decided when the whole body is read.
	paramPassed
	paramNumbers
	paramPriced
	paramNull // what is null: left out, and not told
	paramLeftOut
	paramSilencing
	paramPriority
	paramBackground
	paramEmbeds
	paramHeldBack

	// What decides about the answer; its null is left out.
	paramStream
	paramStreamOptions
	paramOutputCap
	paramMinTokens
	paramIgnoreEOS
	paramN
	paramBestOf
	paramUseBeamSearch
	paramTruncatePromptTokens
	paramTruncation

	paramEcho     // passed, and remembered
	paramEncoding // passed, but for values that are held back

	// What ends in the prompt, and the model's name.
	paramModel
	paramMessages
	paramInput
	paramPrompt
	paramTokens
	paramSystem
	paramSuffix
	paramTools
	paramTemplateArguments
	paramDocuments
	paramQuery
	paramLeft
	paramRight
	paramPreviousItems
)

// waits reports whether it is known only at the end of the body, where the model's name and
// the other members are, what becomes of the member.
func (m param) waits() bool { return m == paramUnknown || m >= paramNull && m <= paramHeldBack }

// decides reports whether the member decides about the answer. Servers disagree about
// what null means there; here it is the same as leaving the member out, and so
// it is left out.
func (m param) decides() bool { return m >= paramStream && m <= paramTruncation }
