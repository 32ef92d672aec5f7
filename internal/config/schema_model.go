package config

import (
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/binding"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

func (r *RateLimit) schema() binding.Object {
	own := binding.Object{
		{"store", "`auto` is Redis where it is configured, else memory.",
			binding.Choice(&r.Store, StoreAuto, StoreMemory, StoreRedis)},
		{"max-accounts", "Accounts kept in memory, of all models; where there are as many and " +
			"none is idle, further users of a model share one.",
			binding.Integer(&r.MaxAccounts, 1, 1<<40)},
	}
	return append(append(own, r.Settings.schema()...), binding.Object{
		{"defaults", "The entry of served models that have none of their own.",
			inherited{r.Defaults.schema(), r}},
		{"models", "Limits by public model name. A maximum left out is unlimited, 0 blocks.",
			binding.Entries[Model]{To: &r.Models, Name: modelName,
				Fresh:  func(string) Model { return Model{Settings: r.Settings} },
				Schema: (*Model).schema}},
	}...)
}

func (s *Settings) schema() binding.Object {
	return binding.Object{
		{"reserve", "How much output is charged beforehand: what such requests usually take, " +
			"or the most they may take.",
			binding.Choice(&s.Reserve, ReserveExpected, ReserveWorstCase)},
		{"overrun", "What happens when a running request needs more than is left: " +
			"it goes on and is paid later, or it is ended.",
			binding.Choice(&s.Overrun, OverrunDebt, OverrunStop)},
		{"max-debt", "Most debt of an account, times the limit.",
			binding.Fraction(&s.MaxDebt, 0, 100)},
		{"default-output-tokens", "Expected output until something is learned.",
			tokens(&s.DefaultOutputTokens, 1)},
		{"input-estimate", "`exact` asks the model server's `/tokenize`, " +
			"for what the limits admit.",
			binding.Choice(&s.InputEstimate, EstimateLearned, EstimateExact)},
		{"image-tokens", "Price of an image.", tokens(&s.ImageTokens, 0)},
		{"audio-tokens-per-second", "Price of a second of audio.",
			binding.Fraction(&s.AudioTokensPerSecond, 0, 10_000)},
		{"on-store-failure", "What happens to requests while the store is away: " +
			"`closed` answers 503.", binding.Choice(&s.OnStoreFailure, failClosed)},
	}
}

func (m *Model) schema() binding.Target {
	fields := m.Settings.schema()
	fields = append(fields, windows(&m.User)...)
	return append(fields, binding.Object{
		{"max-concurrent-requests", "Running requests of the model, over all users and replicas.",
			running(&m.Total.Concurrent)},
		{"max-concurrent-requests-per-user", "Running requests of each user.",
			running(&m.User.Concurrent)},
		{"total", "Limits of the model as a whole, over all users.", windows(&m.Total)},
	}...)
}

// meterDocs says what the maxima of a meter count, for the reference.
var meterDocs = map[limit.Meter]string{
	limit.Tokens: "Input and output tokens.", limit.InputTokens: "Input tokens.",
	limit.OutputTokens: "Output tokens.", limit.Requests: "Requests.",
}

// windows returns the keys max-tokens-per-minute to max-requests-per-day.
func windows(l *Limits) binding.Object {
	var fields binding.Object
	for _, m := range limit.Meters {
		for _, w := range limit.Windows {
			to := maximum(&l.Windows, m, w)
			fields = append(fields, binding.Field{maximumKey(m, w), meterDocs[m], to})
		}
	}
	return fields
}

// maximumKey returns the key of the maximum of a meter in a window.
func maximumKey(m limit.Meter, w limit.Window) string {
	return "max-" + strings.ReplaceAll(m.String(), "_", "-") + "-per-" + w.String()
}

func (c *Config) services() binding.Target {
	form := func(s *Service) binding.Target { return shortForm{s.schema(), &s.Servers} }
	return binding.Entries[Service]{
		To: &c.Services, Name: modelName, Fresh: defaultService, Schema: form}
}

func (s *Service) schema() binding.Object {
	return binding.Object{
		instead("url", "write endpoints: [http://host:8000]"),
		instead("model", "write served-as"),
		{"endpoints", "Addresses of model servers that serve the model, of which the least busy " +
			"one is asked; `mock:` is a mock in this process (not in profile prod).",
			binding.List[ServerURL]{To: &s.Servers, Item: server}},
		{"ca-file", "Authorities to trust; empty: the system's.", binding.FileName(&s.CAFile)},
		{"served-as", "The model's name at the server, such as that of a LoRA adapter; " +
			"default: the public name.",
			binding.Text(&s.ServedAs, binding.NotEmpty).Wants("a name")},
		{"share-limits-with", "Another public name, whose limits and accounts this one uses, " +
			"as an alias does; empty: its own.", binding.Text(&s.ShareLimitsWith)},
		{"api-key", "Key for the server.", binding.Secret(&s.APIKey)},
		{"context-length", "Tokens of the model's context; " +
			"left out: what its model servers tell, if they do.",
			binding.OmitZero(tokens(&s.ContextLength, 1))},
		{"connect-timeout", "For a connection to the server.", timeout(&s.ConnectTimeout)},
		{"first-byte-timeout", "Until a stream begins, from when the request was first sent, " +
			"however many servers are asked.", timeout(&s.FirstByteTimeout)},
		{"response-timeout", "For everything but streams, as a whole, from when the request was " +
			"first sent, however many servers are asked.", timeout(&s.ResponseTimeout)},
		{"idle-timeout", "Between two events of a stream.", timeout(&s.IdleTimeout)},
		{"health-interval", "How often each endpoint is asked whether it is well, " +
			"and which models it has; one that is away, every second.",
			binding.Duration(&s.HealthInterval, 10*time.Millisecond)},
		{"breaker-failures", "How many failures among the last requests of a user are too many. " +
			"An endpoint is closed to further requests when half of its users have that many. " +
			"0: only when it is away.", binding.Integer(&s.BreakerFailures, 0, 32)},
		{"breaker-outcomes", "How many of the last requests of each user count for that.",
			binding.Integer(&s.BreakerOutcomes, 1, 32)},
		{"breaker-wait", "How long such an endpoint is left alone, by those whose requests have " +
			"failed, before one request a second tries it.", timeout(&s.BreakerWait)},
		{"forward-headers", "Request headers passed on beside the usual ones.",
			binding.List[string]{To: &s.ForwardHeaders, Item: header}},
		{"allow-fields", "Body fields passed on that are held back or unknown otherwise; " +
			"their text counts as input.",
			binding.List[string]{To: &s.AllowFields, Item: bodyField}},
		{"unknown-fields", "What happens to a body field that nobody has classified: " +
			"`drop` leaves it out, and names it in `X-Dropped-Fields`; `refuse` answers 400.",
			binding.Choice(&s.UnknownFields, UnknownDrop, UnknownRefuse)},
	}
}

// inherited is the section token.rate-limit.defaults, which begins as token.rate-limit.
type inherited struct {
	binding.Target
	*RateLimit
}

func (i inherited) Start() { i.Defaults.Settings = i.Settings }
