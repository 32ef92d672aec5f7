package request

import (
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/member"
)

// SequencesMax is how many sequences a request may ask for per prompt. vLLM itself allows 16,384.
const SequencesMax int64 = 128

// Request is what the gateway must know of a request body to route, price and rebuild it. It holds
// nothing of the body but the model's name and those of some members; [Request.AppendBody] takes
// the body again.
//
// A Request is a plain value: copy it at will, read it concurrently.
type Request struct {
	Endpoint wire.Endpoint
	Model    string // the one in the path, else the one in the body; "" when neither names one
	Stream   bool   // an event stream is asked for; only where the endpoint generates

	// IncludeUsage and ContinuousUsage are the client's own stream options as vLLM reads them:
	// without stream they do not count, a stream_options object without include_usage includes
	// it, and continuous usage counts only with include_usage. They are false where the endpoint
	// has no such options.
	IncludeUsage, ContinuousUsage bool

	// OutputCap is the largest number of tokens that one sequence may get: the smallest of the
	// caps given, and vLLM's default of 16 for a completion that gives none. 0: none given.
	OutputCap int64
	// MinOutput is the smallest number of tokens that one sequence will get: min_tokens, and with
	// ignore_eos the OutputCap. At most OutputCap where there is one.
	MinOutput int64
	// IgnoreEOS says that a sequence ends at its cap only; with no cap, where the context ends.
	IgnoreEOS bool

	// Echo says that the answer begins with the prompt, or may: its text says nothing of the
	// least that was generated.
	Echo bool

	Sequences int64 // sequences generated per prompt (n, best_of, beam width); >= 1
	Choices   int64 // choices returned per prompt (n); >= 1
	Prompts   int64 // prompts, or pairs to score; >= 1

	Content // of all prompts

	// Beside is how many bytes of Optional and Words a question for the number of tokens leaves
	// out: vLLM's /tokenize reads the prompt or the messages, the tools and the arguments of the
	// template. It does not count members that the operator has allowed by name.
	Beside int64
	// Twofold says that the body gives the prompt, or one side of the pairs to score, by two
	// names, and a model server reads one of them: both are in Text. A question for the number of
	// tokens could be taken for either.
	Twofold bool
	// TruncateInput is how many tokens the model server is asked to cut a longer prompt down to;
	// -1: the context length; 0: it is not asked to. Some servers do not know the member, and serve
	// the whole prompt.
	TruncateInput int64

	// Dropped is the names of the members that are not sent, separated by ", "; empty: none. Nobody
	// has classified them, or they would keep the usage of a stream from coming. Names that a
	// header field cannot carry, and those beyond 512 bytes, are "...".
	Dropped string

	at places
}

// places says where in the body the members stand that a [Patch] may change.
type places struct {
	inside int  // just behind the opening brace
	empty  bool // the object has no members
	model  jsonscan.Extent
	// of max_tokens, max_completion_tokens or max_output_tokens those present
	caps         [2]capMember
	capsCount    int
	hasMaxTokens bool // one of them is max_tokens
	options      streamOptions
	cuts         []jsonscan.Extent // what goes: members, with their commas
}

// capMember is an output cap in the body.
type capMember struct {
	jsonscan.Extent
	value int64
}

// streamOptions is the member stream_options in the body.
type streamOptions struct {
	jsonscan.Extent      // of the value; unset: absent
	isEmpty         bool // an object without members that are sent
	usage           boolMember
	continuous      boolMember
	usageByDefault  bool // an object that does not mention include_usage
	cuts            []jsonscan.Extent
}

// boolMember is a member whose value is true, false or null.
type boolMember struct {
	jsonscan.Extent
	isTrue bool
}

// Options says how [Parse] reads a body. The zero value is the strict way.
type Options struct {
	// PathModel is the model named in the URL's path; empty: the path names none. It wins, and a
	// different one in the body is refused.
	PathModel string
	// Models has the rules for members that are not known or held back, by the model that the
	// request is for; nil: the zero rules.
	Models ModelRules
}

// Members returns the members that are classified for an endpoint, by name.
func Members(e wire.Endpoint) []member.Member { return member.Tables[e].Members() }

// Parse reads the body of a request to endpoint e.
//
// The body must be one JSON object in the strict sense (RFC 7493: valid UTF-8, no member name
// twice), nested at most 128 deep. Members that the gateway reads must have their documented type.
// vLLM would also take "true" and 1 for a truth value, and "16" for a number: a value that is not
// surely understood as the model server does is refused. A number with a fraction of zero or an
// exponent (1e3, 16.0) is an integer, as it is to vLLM; null is the same as leaving a member out.
// [Members] says what becomes of each member.
//
// The error is an [*failure.Error] of status 400; it names the member and quotes nothing of the
// prompt. Parse neither changes nor keeps body. It is safe for concurrent use.
func Parse(e wire.Endpoint, body []byte, o Options) (r Request, err error) {
	p := parses.Get().(*parse)
	p.Cursor, p.options, p.endpoint = jsonscan.Cursor{Text: body, Names: &p.seen}, o, e
	if refused := p.read(); refused != nil {
		err = refused
	} else {
		r = p.r
	}
	p.reset()
	parses.Put(p)
	return r, err
}
