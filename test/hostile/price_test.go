package hostile_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/usage"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/request"
)

var pricedEndpoints = []wire.Endpoint{wire.ChatCompletions, wire.Completions, wire.Responses, wire.Messages,
	wire.Embeddings, wire.Rerank, wire.Score, wire.Pooling, wire.Classify}

// printsAll is a model server whose template prints whatever it gets.
var printsAll = mockvllm.Options{Models: []mockvllm.Model{{Name: apptest.Model, PrintsAll: true, ContextLength: 1 << 20}}}

// Tensors are held back; the properties have them, too.
const tensorsAllowed = "allow-fields: [image_embeds, audio_embeds]"

var tensorsParsed = request.Options{Models: tensorRules{}}

type tensorRules struct{}

func (tensorRules) FieldRules(string) request.FieldRules {
	return request.FieldRules{Allow: []string{"image_embeds", "audio_embeds"}}
}

// seeded returns what makes bodies, always the same ones but for PRICED_SEED.
func seeded(seed uint64) anybody {
	if n, err := strconv.ParseUint(os.Getenv("PRICED_SEED"), 10, 64); err == nil {
		seed = n
	}
	return anybody{rand.New(rand.NewPCG(seed, 7))}
}

// bodiesOf returns how many bodies a property tries on each endpoint.
func bodiesOf(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("PRICED_BODIES")); err == nil {
		return n
	}
	return 100
}

// TestNoInputExceedsItsBound: whatever a body has, and wherever, what the model server
// makes of it is no more than the bound, and its price no less than a sixth of that. The
// model server's template prints every name, string and number that it gets.
func TestNoInputExceedsItsBound(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Mock: printsAll, Service: tensorsAllowed})
	a := seeded(11)
	var worst float64
	for _, e := range pricedEndpoints {
		served := 0
		for i := range bodiesOf(t) {
			user := fmt.Sprintf("%s-%d", e, i)
			body := a.body(e, user, 1+a.IntN(400))
			status, _, answer := g.Post(t, e.Path(), user, body)
			if status != http.StatusOK {
				if status != http.StatusBadRequest {
					t.Errorf("%s: %d %.200s", e, status, answer)
				}
				continue
			}
			served++
			r, err := request.Parse(e, []byte(body), tensorsParsed)
			if err != nil {
				t.Fatal(err)
			}
			spent, price := g.Ledger.Sum(apptest.Model, user).Input, usage.NewPricer(usage.Options{}).Price(user, &r)
			media := 256*r.Images + 64*r.AudioParts // of the stand-in
			worst = max(worst, float64(spent)/float64(price.Input))
			if bound := usage.Ceiling(&r) + r.TokenIDs + media; spent > bound || price.Input*usage.ExcessMax < usage.Ceiling(&r) || price.InputFloor > spent {
				t.Errorf("%s: %d tokens, bound %d, price %+v: %.3000s", e, spent, bound, price, body)
			}
		}
		if served < bodiesOf(t)/2 {
			t.Errorf("%s: %d of %d bodies were served", e, served, bodiesOf(t))
		}
	}
	t.Logf("the worst input had %.2f times its price", worst)
	if worst > usage.ExcessMax {
		t.Errorf("an input has %.2f times its price", worst)
	}
}

// TestNoFloorIsAboveTheTruth: what a template drops does not make a request too large for
// good. The model server prints what most templates print, and nothing else.
func TestNoFloorIsAboveTheTruth(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Service: tensorsAllowed})
	a := seeded(17)
	var floors int64
	for _, e := range pricedEndpoints {
		for i := range bodiesOf(t) {
			user := fmt.Sprintf("%s-%d", e, i)
			body := a.body(e, user, 1+a.IntN(400))
			r, err := request.Parse(e, []byte(body), tensorsParsed)
			if status, _, _ := g.Post(t, e.Path(), user, body); err != nil || status != http.StatusOK {
				continue
			}
			spent, floor := g.Ledger.Sum(apptest.Model, user).Input, usage.NewPricer(usage.Options{}).Price(user, &r).InputFloor
			if floors += floor; floor > spent {
				t.Errorf("%s: a floor of %d tokens, and %d in truth: %.3000s", e, floor, spent, body)
			}
		}
	}
	if floors == 0 {
		t.Error("no body has a floor")
	}
}

// TestAccountsStayWithinTheBound: no body, and no sequence of them, takes an account
// beyond its limit by more than the documents say: what inputs have beyond their price.
// Ordinary words, wherever they are, take none beyond it at all.
func TestAccountsStayWithinTheBound(t *testing.T) {
	for _, estimate := range []string{"learned", "exact"} {
		t.Run(estimate, func(t *testing.T) { accountsStayWithin(t, estimate) })
	}
}

func accountsStayWithin(t *testing.T, estimate string) {
	const limit = 2000
	g := apptest.Start(t, apptest.Options{
		Mock: printsAll, Service: tensorsAllowed, Limits: fmt.Sprintf("{max-tokens-per-minute: %d, input-estimate: %s}", limit, estimate),
	})
	a := seeded(3)
	var beyond, most int64
	for _, e := range pricedEndpoints {
		for account := range bodiesOf(t) / 10 {
			user := fmt.Sprintf("%s-%d", e, account)
			for range 10 { // to the end of the account
				g.Post(t, e.Path(), user, a.body(e, user, 1+a.IntN(1500)))
			}
			spent := g.Ledger.Sum(apptest.Model, user)
			beyond += max(0, spent.Input+spent.Output-limit)
			if most = max(most, spent.Input+spent.Output); spent.Input+spent.Output > limit*usage.ExcessMax {
				t.Errorf("%s: %+v of %d", e, spent, limit)
			}
		}
	}
	t.Logf("generated bodies: %d tokens beyond all limits of %d, at most %d of one", beyond, limit, most)
}

// TestWordsAreNotFreeAnywhere: 25,000 words in any place of a body are refused on a limit of
// 2,000 tokens, and 400 words many times over take no account further than an estimate
// may be wrong.
func TestWordsAreNotFreeAnywhere(t *testing.T) {
	const limit, many, few = 2000, 25_000, 400
	g := apptest.Start(t, apptest.Options{Mock: printsAll, Limits: fmt.Sprintf("{max-tokens-per-minute: %d}", limit)})
	var beyond [2]int64
	for i, words := range []int{many, few} {
		for path, bodies := range apptest.Attacks(words) {
			for n, body := range bodies {
				user := fmt.Sprintf("%s-%d-%d", path, n, words)
				for range 1 + 7*i {
					status, _, answer := g.Post(t, path, user, strings.Replace(body, apptest.Attacker, user, 1))
					if words == many && (status != http.StatusBadRequest || !strings.Contains(answer, "request_exceeds_limit")) {
						t.Errorf("%s %.150q: %d %.200s", path, body, status, answer)
					}
				}
				spent := g.Ledger.Sum(apptest.Model, user)
				more := max(0, spent.Input+spent.Output-limit)
				if beyond[i] += more; more > limit/4 || words == few && spent.Requests == 0 {
					t.Errorf("%s %.150q: %+v of %d", path, body, spent, limit)
				}
			}
		}
	}
	t.Logf("%d tokens were served beyond the limit by %d words, %d by %d words eight times", beyond[0], many, beyond[1], few)
	if beyond[0] > 0 {
		t.Errorf("%d words were served", many)
	}
}

// TestAskingToCutLowersNoPrice: 25,000 words whose client asks for all but one to be cut off are
// refused on a limit of 2,000 tokens, for the model server does not know the member.
func TestAskingToCutLowersNoPrice(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Mock: printsAll, Limits: "{max-tokens-per-minute: 2000}"})
	for i, tt := range [][2]string{
		{chatPath, `"max_tokens":1,"truncate_prompt_tokens":1,"messages":[{"role":"user","content":"$"}]`},
		{chatPath, `"max_tokens":1,"truncate_prompt_tokens":-1,"messages":[{"role":"user","content":"$"}]`},
		{"/v1/completions", `"max_tokens":1,"truncate_prompt_tokens":1,"prompt":"$"`},
		{"/v1/completions", `"max_tokens":1,"truncate_prompt_tokens":1,"prompt":["$","$"]`},
		{"/v1/responses", `"max_output_tokens":1,"truncation":"auto","input":"$"`},
		{"/v1/embeddings", `"truncate_prompt_tokens":1,"input":"$"`},
		{"/v1/rerank", `"truncate_prompt_tokens":1,"query":"x","documents":["$"]`},
	} {
		user := fmt.Sprint("user", i)
		members := strings.ReplaceAll(tt[1], "$", strings.Repeat("word ", 25_000))
		status, _, answer := g.Post(t, tt[0], user, fmt.Sprintf(`{"model":%q,"user":%q,%s}`, apptest.Model, user, members))
		if spent := g.Ledger.Sum(apptest.Model, user); spent.Input > 0 || !strings.Contains(answer, "request_exceeds_limit") {
			t.Errorf("%s: %d, and %+v was spent: %.200s", tt, status, spent, answer)
		}
	}
}

// TestEveryPairHasAPrice: 1,000 words that are paired with 100 others are refused on a limit of
// 2,000 tokens, whatever form the others have and whichever side they are.
func TestEveryPairHasAPrice(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Mock: printsAll, Limits: "{max-tokens-per-minute: 2000}"})
	many := func(one string) string { return strings.Repeat(one+",", 99) + one }
	for i, tt := range [][2]string{
		{"/v1/rerank", `"query":"$","documents":[` + many(`"a"`) + `]`},
		{"/v1/rerank", `"query":"$","documents":{"content":[` + many(`{"type":"text","text":"a"}`) + `]}`},
		{"/v1/rerank", `"documents":{"cont\u0065nt":[` + many(`{"type":"text","text":"a"}`) + `],"x":1},"query":{"content":[{"type":"text","text":"$"}]}`},
		{"/v1/score", `"text_1":[` + many(`"a"`) + `],"text_2":"$"`},
		{"/v1/score", `"data_1":[` + many(`"a"`) + `],"data_2":["$"]`},
		{"/v1/score", `"text_1":"$","queries":"x","text_2":[` + many(`"a"`) + `]`},
		{"/v1/score", `"query":[` + strings.Repeat("7,", 999) + `7],"items":[` + many(`"a"`) + `]`},
		{"/v1/score", `"query":[` + strings.Repeat("7,", 999) + `7],"items":[` + many(`[7]`) + `]`},
	} {
		user := fmt.Sprint("user", i)
		members := strings.ReplaceAll(tt[1], "$", strings.Repeat("word ", 1000))
		status, _, answer := g.Post(t, tt[0], user, fmt.Sprintf(`{"model":%q,"user":%q,%s}`, apptest.Model, user, members))
		if spent := g.Ledger.Sum(apptest.Model, user); spent.Input > 0 || !strings.Contains(answer, "request_exceeds_limit") {
			t.Errorf("%s %.60s: %d, and %+v was spent: %.200s", tt[0], tt[1], status, spent, answer)
		}
	}
}

// TestToolsThatAreNamedHaveAPrice: a tool of 600 words, or ten of 60 with the same name, that 20 parts name
// are refused on a limit of 2,000 tokens, for templates show a tool wherever a part names it.
func TestToolsThatAreNamedHaveAPrice(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Mock: printsAll, Limits: "{max-tokens-per-minute: 2000}"})
	tool := func(form string, words int) string {
		return strings.Replace(form, "$", strings.Repeat("word ", words), 1)
	}
	function, flat := `{"type":"function","function":{"name":"f","description":"$"}}`, `{"name":"f","description":"$","defer_loading":true}`
	ten := strings.Repeat(tool(function, 60)+",", 9) + tool(function, 60)
	named := `[` + strings.Repeat(`{"type":"tool_reference","name":"f"},`, 19) + `{"tool_name":"f","type":"tool\u005freference"}]`
	for i, tt := range [][2]string{
		{chatPath, `"max_tokens":1,"tools":[` + tool(function, 600) + `],"messages":[{"role":"tool","content":` + named + `}]`},
		{chatPath, `"max_tokens":1,"messages":[{"role":"tool","content":` + named + `}],"tools":[` + ten + `]`},
		{"/v1/messages", `"max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":` + named +
			`}]}],"tools":[{"name":"g"},` + tool(flat, 600) + `]`},
		{"/v1/responses", `"max_output_tokens":1,"tools":[` + tool(flat, 600) + `],"input":[{"type":"function_call_output","output":` + named + `}]`},
	} {
		user := fmt.Sprint("user", i)
		status, _, answer := g.Post(t, tt[0], user, fmt.Sprintf(`{"model":%q,"user":%q,%s}`, apptest.Model, user, tt[1]))
		if spent := g.Ledger.Sum(apptest.Model, user); spent.Input > 0 || !strings.Contains(answer, "request_exceeds_limit") {
			t.Errorf("%s %.100s: %d, and %+v was spent: %.200s", tt[0], tt[1], status, spent, answer)
		}
	}
}

// TestTextsThatGrowHaveABound: a text that a template prints with escapes, as JSON for web pages or as
// ASCII, is longer than the one that came, and its bound has that.
func TestTextsThatGrowHaveABound(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Mock: printsAll})
	for i, text := range []string{"<&>'", "привет", "é", "안녕", "𝅘𝅥𝅮", `\ud83d\ude00`} {
		user := fmt.Sprint("user", i)
		body := fmt.Sprintf(`{"model":%q,"user":%q,"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","name":"f","input":{"a":["%s"]}}]}]}`,
			apptest.Model, user, strings.Repeat(text, 500))
		r, err := request.Parse(wire.Messages, []byte(body), request.Options{})
		status, _, answer := g.Post(t, "/v1/messages", user, body)
		if err != nil || status != http.StatusOK {
			t.Fatalf("%q: %d %.200s (%v)", text, status, answer, err)
		}
		if spent := g.Ledger.Sum(apptest.Model, user).Input; spent < 500 || spent > usage.Ceiling(&r) {
			t.Errorf("%q: %d tokens, and the bound is %d", text, spent, usage.Ceiling(&r))
		}
	}
}

// TestIDsOfTokensHaveABound: 30,000 ids that only control sampling are refused on a limit of 2,000
// tokens, for a template that prints them; as text they are no ids.
func TestIDsOfTokensHaveABound(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Mock: printsAll, Limits: "{max-tokens-per-minute: 2000}"})
	list, text := "["+strings.Repeat("12,", 30_000)+"12]", `"`+strings.Repeat("12 ", 30_000)+`"`
	for i, tt := range [][2]string{
		{chatPath, `"max_tokens":1,"messages":[{"role":"user","content":"hi"}],"allowed_token_ids":` + list},
		{chatPath, `"max_tokens":1,"messages":[{"role":"user","content":"hi"}],"allowed_token_ids":` + text},
		{"/v1/completions", `"max_tokens":1,"prompt":[1,2,3],"stop_token_ids":` + list},
		{"/v1/completions", `"max_tokens":1,"prompt":["hi","you"],"stop_token_ids":` + list},
		{"/v1/responses", `"max_output_tokens":1,"input":"hi","logit_bias":` + list},
		{"/v1/score", `"text_1":"hi","text_2":"you","label_token_ids":` + list},
	} {
		user := fmt.Sprint("user", i)
		status, _, answer := g.Post(t, tt[0], user, fmt.Sprintf(`{"model":%q,"user":%q,%s}`, apptest.Model, user, tt[1]))
		if spent := g.Ledger.Sum(apptest.Model, user); spent.Input > 0 || !strings.Contains(answer, "request_exceeds_limit") {
			t.Errorf("%s %.100s: %d, and %+v was spent: %.200s", tt[0], tt[1], status, spent, answer)
		}
	}
}

// TestDataIsFreeOnlyAsMedia: 100,000 bytes of base64 under the names of media are refused on a
// limit of 2,000 tokens wherever no type says that they are media.
func TestDataIsFreeOnlyAsMedia(t *testing.T) {
	g := apptest.Start(t, apptest.Options{Mock: printsAll, Limits: "{max-tokens-per-minute: 2000}"})
	data := strings.Repeat("abc/+1zQ", 12_500)
	for i, tt := range [][2]string{
		{chatPath, `"max_tokens":1,"messages":[{"role":"user","content":"hi","source":"$"}]`},
		{chatPath, `"max_tokens":1,"messages":[{"role":"user","content":"hi","image":"$"}]`},
		{chatPath, `"max_tokens":1,"messages":[{"role":"user","content":"hi","image_url":"data:$"}]`},
		{chatPath, `"max_tokens":1,"messages":[{"role":"user","content":"hi","input_audio":{"data":"$"}}]`},
		{chatPath, `"max_tokens":1,"messages":[{"role":"assistant","tool_calls":[{"id":"x","source":"$"}]}]`},
		{"/v1/responses", `"max_output_tokens":1,"input":[{"type":"message","role":"user","content":"hi","source":"$"}]`},
		{"/v1/messages", `"max_tokens":1,"messages":[{"role":"user","content":[{"source":{"data":"$"}}]}]`},
		{"/v1/embeddings", `"messages":[{"role":"user","content":"hi","source":"$"}]`},
		{"/v1/rerank", `"query":"x","documents":[{"text":"a","source":"$"}]`},
	} {
		user := fmt.Sprint("user", i)
		status, _, answer := g.Post(t, tt[0], user, fmt.Sprintf(`{"model":%q,"user":%q,%s}`, apptest.Model, user, strings.Replace(tt[1], "$", data, 1)))
		if spent := g.Ledger.Sum(apptest.Model, user); spent.Input > 0 || !strings.Contains(answer, "request_exceeds_limit") {
			t.Errorf("%s: %d, and %+v was spent: %.200s", tt, status, spent, answer)
		}
	}
}

// TestDenseTextIsChargedInFull: signs of which each is a token have three times what was
// priced before anything was learned. The excess is charged with the answer, as debt, so
// that the account waits for it, and the next such text is priced at what it costs.
func TestDenseTextIsChargedInFull(t *testing.T) {
	const limit = 2000
	g := apptest.Start(t, apptest.Options{Mock: printsAll, Limits: fmt.Sprintf("{max-tokens-per-minute: %d}", limit)})
	send := func(user string, signs int) int {
		status, _, _ := g.Post(t, chatPath, user, fmt.Sprintf(`{"model":"llama2-7b","user":%q,"max_tokens":1,"messages":[{"role":"x","content":"hi","x":"%s"}]}`,
			user, strings.Repeat("@", signs)))
		return status
	}
	if status := send("alice", 6000); status != http.StatusOK {
		t.Fatalf("the answer is %d", status)
	}
	spent := g.Ledger.Sum(apptest.Model, "alice")
	if used := g.Usage(t, "alice").Windows[0].Used; used != spent.Input+spent.Output || used <= limit || used > limit*usage.ExcessMax {
		t.Errorf("%d are used, and %+v was spent of %d", used, spent, limit)
	}
	if status := send("alice", 1); status != http.StatusTooManyRequests {
		t.Errorf("the next answer is %d", status)
	}
	for i := range 40 {
		send(fmt.Sprint("other", i), 500)
	}
	if status := send("bob", 6000); status != http.StatusBadRequest {
		t.Errorf("once it is learned, the answer is %d", status)
	}
}
