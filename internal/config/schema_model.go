package config

import (
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

func (r *RateLimit) schema() object {
	own := object{
		{"store", "`auto` is Redis where it is configured, else memory.", choice(&r.Store, StoreAuto, StoreMemory, StoreRedis)},
		{"max-accounts", "Accounts kept in memory, of all models; where there are as many and none is idle, further users of a model share one.", integer(&r.MaxAccounts, 1, 1<<40)},
	}
	return append(append(own, r.Settings.schema()...), object{
		{"defaults", "The entry of served models that have none of their own.", inherited{&r.Defaults, &r.Settings}},
		{"models", "Limits by public model name. A maximum left out is unlimited, 0 blocks.", entries[Model]{&r.Models,
			func(string) Model { return Model{Settings: r.Settings} }, (*Model).schema}},
	}...)
}

func (s *Settings) schema() object {
	return object{
		{"reserve", "How much output is charged beforehand: what such requests usually take, or the most they may take.",
			choice(&s.Reserve, ReserveExpected, ReserveWorstCase)},
		{"overrun", "What happens when a running request needs more than is left: it goes on and is paid later, or it is ended.",
			choice(&s.Overrun, OverrunDebt, OverrunStop)},
		{"max-debt", "Most debt of an account, times the limit.", fraction(&s.MaxDebt, 0, 100)},
		{"default-output-tokens", "Expected output until something is learned.", integer(&s.DefaultOutputTokens, 1, limit.MaximumMax)},
		{"input-estimate", "`exact` asks the model server's `/tokenize`, for what the limits admit.", choice(&s.InputEstimate, EstimateLearned, EstimateExact)},
		{"image-tokens", "Price of an image.", integer(&s.ImageTokens, 0, limit.MaximumMax)},
		{"audio-tokens-per-second", "Price of a second of audio.", fraction(&s.AudioTokensPerSecond, 0, 10_000)},
		{"on-store-failure", "What happens to requests while the store is away: `closed` answers 503.", choice(&s.OnStoreFailure, FailClosed)},
	}
}

func (m *Model) schema() target {
	fields := m.Settings.schema()
	fields = append(fields, windows(&m.User)...)
	return append(fields, object{
		{"max-concurrent-requests", "Running requests of the model, over all users and replicas.", running{&m.Total.Concurrent}},
		{"max-concurrent-requests-per-user", "Running requests of each user.", running{&m.User.Concurrent}},
		{"total", "Limits of the model as a whole, over all users.", windows(&m.Total)},
	}...)
}

// meterDocs says what the maxima of a meter count, for the reference.
var meterDocs = map[limit.Meter]string{
	limit.Tokens: "Input and output tokens.", limit.InputTokens: "Input tokens.",
	limit.OutputTokens: "Output tokens.", limit.Requests: "Requests.",
}

// windows returns the keys max-tokens-per-minute to max-requests-per-day: every meter
// in every window.
func windows(l *Limits) object {
	var fields object
	for _, m := range limit.Meters {
		for _, w := range limit.Windows {
			fields = append(fields, field{maximumKey(m, w), meterDocs[m], maximum{&l.Windows, m, w}})
		}
	}
	return fields
}

// maximumKey returns the key of the maximum of a meter in a window.
func maximumKey(m limit.Meter, w limit.Window) string {
	return "max-" + strings.ReplaceAll(m.String(), "_", "-") + "-per-" + w.String()
}

func (c *Config) services() target {
	return entries[Service]{&c.Services, defaultService, func(s *Service) target {
		return shortForm{list: &s.Endpoints, long: s.schema()}
	}}
}

func (s *Service) schema() object {
	return object{
		{key: "url", to: instead("write endpoints: [http://host:8000]")},
		{key: "model", to: instead("write served-as")},
		{"endpoints", "Addresses of model servers that serve the model, of which the least busy one is asked; `mock:` is a mock in this process (not in profile prod).",
			texts[Endpoint]{&s.Endpoints, endpoint}},
		{"ca-file", "Authorities to trust; empty: the system's.", file(&s.CAFile)},
		{"served-as", "The model's name at the server, such as that of a LoRA adapter; default: the public name.", text(&s.ServedAs, notEmpty).wants("a name")},
		{"share-limits-with", "Another public name, whose limits and accounts this one uses, as an alias does; empty: its own.", text(&s.ShareLimitsWith)},
		{"api-key", "Key for the server.", secret(&s.APIKey)},
		{"context-length", "Tokens of the model's context; left out: what its model servers tell, if they do.", known(integer(&s.ContextLength, 1, limit.MaximumMax))},
		{"connect-timeout", "For a connection to the server.", duration(&s.ConnectTimeout, time.Millisecond)},
		{"first-byte-timeout", "Until a stream begins, from when the request was first sent, however many servers are asked.", duration(&s.FirstByteTimeout, time.Millisecond)},
		{"response-timeout", "For everything but streams, as a whole, from when the request was first sent, however many servers are asked.", duration(&s.ResponseTimeout, time.Millisecond)},
		{"idle-timeout", "Between two events of a stream.", duration(&s.IdleTimeout, time.Millisecond)},
		{"health-interval", "How often each endpoint is asked whether it is well, and which models it has; one that is away, every second.", duration(&s.HealthInterval, 10*time.Millisecond)},
		{"breaker-failures", "How many failures among the last requests of a user are too many. An endpoint is closed to further requests when half of its users have that many. 0: only when it is away.", integer(&s.BreakerFailures, 0, 32)},
		{"breaker-outcomes", "How many of the last requests of each user count for that.", integer(&s.BreakerOutcomes, 1, 32)},
		{"breaker-wait", "How long such an endpoint is left alone, by those whose requests have failed, before one request a second tries it.", duration(&s.BreakerWait, time.Millisecond)},
		{"forward-headers", "Request headers passed on beside the usual ones.",
			texts[string]{&s.ForwardHeaders, func(h *string) scalar { return text(h, forwardable).wants("names of headers") }}},
		{"allow-fields", "Body fields passed on that are held back or unknown otherwise; their text counts as input.",
			texts[string]{&s.AllowFields, func(f *string) scalar { return text(f, fieldName).wants("names of body fields") }}},
		{"unknown-fields", "What happens to a body field that nobody has classified: `drop` leaves it out, and names it in `X-Dropped-Fields`; `refuse` answers 400.",
			choice(&s.UnknownFields, UnknownDrop, UnknownRefuse)},
	}
}
