package openai

// SequencesMax is how many sequences a request may ask for per prompt where
// [ParseOptions] says nothing else. vLLM itself allows 16,384.
const SequencesMax = 128

// Request is what the gateway must know of a request body in order to route it,
// to price it and to rebuild it. It holds no part of the body but the model's
// name and those of some members; [Request.AppendBody] takes the body again.
//
// A Request is a plain value: copy it at will, read it concurrently.
type Request struct {
	Endpoint Endpoint
	Model    string // the one in the path, else the one in the body; "" when neither names one
	Stream   bool   // an event stream is asked for; only where the endpoint generates

	// IncludeUsage and ContinuousUsage are the client's own stream options
	// as vLLM reads them: without stream they do not count, a stream_options
	// object without include_usage includes it, and continuous usage counts
	// only with include_usage. They are false where the endpoint has no such
	// options.
	IncludeUsage, ContinuousUsage bool

	// OutputCap is the largest number of tokens that one sequence may get:
	// the smallest of the caps given, and vLLM's default of 16 for a
	// completion that gives none. 0: none given.
	OutputCap int64
	// MinOutput is the smallest number of tokens that one sequence will
	// get: min_tokens, and with ignore_eos the OutputCap. At most OutputCap
	// where there is one.
	MinOutput int64
	// IgnoreEOS says that a sequence ends at its cap only; with no cap, where
	// the context ends.
	IgnoreEOS bool

	// Echo says that the answer begins with the prompt, or may: its text says nothing
	// of the least that was generated.
	Echo bool

	Sequences int64 // sequences generated per prompt (n, best_of, beam width); >= 1
	Choices   int64 // choices returned per prompt (n); >= 1
	Prompts   int64 // prompts, or pairs to score; >= 1
	Messages  int64 // messages or input items, each with the chat template's overhead

	// Text is all text that ends in a prompt, or may: whatever a chat template,
	// a tool's schema, a grammar or a tokenizer may see of the body, known
	// members and unknown ones, keys and numbers too. What a prompt has in
	// common with others of the request counts for each.
	Text Text
	// Optional is the part of Text that may not be in the prompt, because
	// templates differ: all but what users, the system and tools say.
	Optional Text
	// Words is how many bytes the protocol's own words have in the messages,
	// with their punctuation: roles, types, names of members. They are not in
	// Text, for the overhead of a message covers them, but a template that
	// prints a message as it came prints them too. Among them are the bytes by which
	// text is longer where it is printed as JSON, and ids of tokens that only control
	// sampling, where they are more than requests ordinarily have.
	Words int64
	// Beside is how many bytes of Optional and Words a question for the number of tokens
	// would not carry: vLLM's /tokenize reads the prompt or the messages, the
	// tools and the arguments of the template. Members that the operator has
	// allowed by name are not among them.
	Beside int64
	// Twofold says that the body gives the prompt, or one side of the pairs to score, by
	// two names, and a model server reads one of them: both are in Text. A question for
	// the number of tokens could be taken for either.
	Twofold bool
	// TokenIDs is the number of tokens that are given as numbers.
	TokenIDs int64
	// Images is the number of pictures. A video counts as the 32 frames
	// that vLLM samples from one by default.
	Images int64
	// AudioParts is the number of audio recordings, and AudioSeconds their
	// length as far as it can be told from the body, of AudioTimed of them:
	// recordings that are fetched from elsewhere add nothing to it.
	AudioParts   int64
	AudioTimed   int64
	AudioSeconds float64
	// TruncateInput says that the model server is asked to cut a longer prompt down
	// to so many tokens instead of refusing it; -1: to the context length. 0: it is
	// not. Some servers do not know the member, and serve the whole.
	TruncateInput int64

	// Dropped is the names of the members that are left out of what is sent, because
	// nobody has classified them or because they would keep the usage of a stream
	// from coming, separated by ", "; empty: none are. Names that cannot be told in
	// a header field, and those beyond 512 bytes, are "...".
	Dropped string

	at places
}

// places says where in the body the members stand that a [Patch] may change.
type places struct {
	inside       int  // just behind the opening brace
	empty        bool // the object has no members
	model        extent
	caps         [2]capMember // of max_tokens, max_completion_tokens or max_output_tokens those present
	capsCount    int
	hasMaxTokens bool // one of them is max_tokens
	options      streamOptions
	cuts         []extent // what goes: members, with their commas
}

// capMember is an output cap in the body.
type capMember struct {
	extent
	value int64
}

// streamOptions is the member stream_options in the body.
type streamOptions struct {
	extent              // of the value; unset: absent
	isEmpty        bool // an object without members that are sent
	usage          boolMember
	continuous     boolMember
	usageByDefault bool // an object that does not mention include_usage
	cuts           []extent
}

// boolMember is a member whose value is true, false or null.
type boolMember struct {
	extent
	isTrue bool
}

// ParseOptions says how [ParseRequest] reads a body. The zero value is the
// strict way.
type ParseOptions struct {
	// PathModel is the model named in the URL's path; empty: the path
	// names none. It wins, and a different one in the body is refused.
	PathModel string
	// AllowFields and RefuseUnknown are the rules for members that are not known or held
	// back, as in [FieldRules].
	AllowFields   []string
	RefuseUnknown bool
	// Models, if set, takes the place of both: the rules are those of the model that
	// the request is for.
	Models ModelRules
	// SequencesMax bounds n and best_of; 0: [SequencesMax].
	SequencesMax int64
}

func (o *ParseOptions) sequencesMax() int64 {
	if o.SequencesMax > 0 {
		return o.SequencesMax
	}
	return SequencesMax
}

// ParseRequest reads the body of a request to endpoint e.
//
// The body must be one JSON object in the strict sense (RFC 7493: valid UTF-8,
// no member name twice), nested at most 128 deep. Members that the gateway
// reads must have their documented type: vLLM would also take "true" and 1 for
// a truth value and "16" for a number, and so what cannot be understood exactly
// as the model server does is refused. A number with a fraction of zero or an
// exponent (1e3, 16.0) is an integer, as it is to vLLM; null is the same as
// leaving a member out. What becomes of each member stands in a table: see [Members].
// What nobody has classified is left out of what [Request.AppendBody] makes.
//
// The error is an [*failure.Error] of status 400; it names the member in question and
// quotes nothing of the prompt. ParseRequest neither changes nor keeps body. It
// is safe for concurrent use.
func ParseRequest(e Endpoint, body []byte, o ParseOptions) (r Request, err error) {
	p := parses.Get().(*parse)
	p.jsonCursor, p.options, p.endpoint = jsonCursor{b: body, names: &p.seen}, o, e
	if refused := p.read(); refused != nil {
		err = refused
	} else {
		r = p.r
	}
	p.release()
	return r, err
}
