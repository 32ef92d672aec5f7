package hostile_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/limit/limittest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
)

// slots are the lengths of the slots of the windows.
var slots = map[string]time.Duration{"minute": time.Second, "hour": time.Minute, "day": 30 * time.Minute}

// sized is a chat request whose answer has n tokens.
func sized(n int) string {
	return fmt.Sprintf(`{"model":"llama2-7b","messages":[{"role":"user","content":"Hello there"}],"mock":{"output_tokens":%d}}`, n)
}

// told returns how long a 429 says to wait.
func told(t testing.TB, a answer) time.Duration {
	t.Helper()
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Fatalf("Retry-After is %q: %s", a.header.Get("Retry-After"), a.body)
	}
	return time.Duration(seconds) * time.Second
}

// TestLoneClientIsAdmitted uses up limits at random moments. Who waits as long
// as told is admitted; one slot before the moment that the answer is about, it
// still is denied.
func TestLoneClientIsAdmitted(t *testing.T) {
	for _, limits := range []string{
		"max-tokens-per-WINDOW: 400", "max-input-tokens-per-WINDOW: 100", "max-output-tokens-per-WINDOW: 300",
		"max-requests-per-WINDOW: 7", "total: {max-tokens-per-WINDOW: 500}",
	} {
		for window, slot := range slots {
			random := rand.New(rand.NewPCG(3, uint64(slot)))
			clock := limittest.NewClock()
			w := &watchedStore{Store: memory.New(memory.Options{Now: clock.Now})}
			g := apptest.Start(t, apptest.Options{
				Limits: "{default-output-tokens: 40, " + strings.Replace(limits, "WINDOW", window, 1) + "}", Store: w,
			})
			denials := 0
			for range 120 {
				a := post(t, g, chatPath, sized(10+random.IntN(50)))
				if a.status == http.StatusOK {
					clock.Advance(time.Duration(random.Int64N(int64(3 * slot))))
					continue
				}
				denials++
				wait, exact := told(t, a), time.Duration(w.wait.Load())
				if early := wait - exact; early < 0 || early > max(2*time.Second, exact/10)+16*time.Second+time.Second {
					t.Fatalf("%s per %s: room is in %v, and the answer says %v", limits, window, exact, wait)
				}
				before := max(0, exact-slot)
				clock.Advance(before)
				if again := post(t, g, chatPath, sized(10)); again.status != http.StatusTooManyRequests {
					t.Fatalf("%s per %s: after %v of %v the answer is %d", limits, window, before, exact, again.status)
				}
				clock.Advance(wait - before)
				if again := post(t, g, chatPath, sized(10+random.IntN(50))); again.status != http.StatusOK {
					t.Fatalf("%s per %s: after waiting %v as told the answer is %d: %s", limits, window, wait, again.status, again.body)
				}
			}
			if denials < 3 {
				t.Errorf("%s per %s: %d denials", limits, window, denials)
			}
		}
	}
}

// herdSettings are reasons why a thousand clients are denied.
var herdSettings = map[string]struct {
	limits string
	users  int           // the clients are so many users
	apart  time.Duration // between two denials
}{
	"one account, a minute":           {limits: "{max-tokens-per-minute: 60}", users: 1},
	"one account, an hour":            {limits: "{max-tokens-per-hour: 60}", users: 1},
	"one account, a day":              {limits: "{max-requests-per-day: 1}", users: 1},
	"one account, over ten seconds":   {limits: "{max-tokens-per-minute: 60}", users: 1, apart: 10 * time.Millisecond},
	"one account, over fifty seconds": {limits: "{max-tokens-per-minute: 60}", users: 1, apart: 50 * time.Millisecond},
	"many accounts, a minute":         {limits: "{max-tokens-per-minute: 60}", users: 500},
	"many accounts, an hour":          {limits: "{max-tokens-per-hour: 60}", users: 500},
	"a model, a minute":               {limits: "{total: {max-tokens-per-minute: 60}}", users: 1000},
}

// TestHerd has a thousand clients denied by real answers. If all come back when
// they were told, no second carries more than a tenth of them.
func TestHerd(t *testing.T) {
	const clients = 1000
	for name, tt := range herdSettings {
		t.Run(name, func(t *testing.T) {
			clock := limittest.NewClock()
			g := apptest.Start(t, apptest.Options{Limits: tt.limits, Store: memory.New(memory.Options{Now: clock.Now})})
			user := func(i int) fields { return fields{"X-User-ID": fmt.Sprint("user-", i%tt.users)} }
			for i := range tt.users {
				send(t, g, http.MethodPost, chatPath, user(i), sized(60)) // what there is; of a model, the first takes all
			}
			begin := clock.Now()
			back := map[time.Duration]int{}
			for i := range clients {
				a := send(t, g, http.MethodPost, chatPath, user(i), chat)
				if a.status != http.StatusTooManyRequests {
					t.Fatalf("client %d is answered with %d: %s", i, a.status, a.body)
				}
				back[(clock.Now().Sub(begin)+told(t, a)).Truncate(time.Second)]++
				clock.Advance(tt.apart)
			}
			busiest := 0
			for _, n := range back {
				busiest = max(busiest, n)
			}
			if busiest > clients/10 {
				t.Errorf("of %d clients, %d come back in one second", clients, busiest)
			}
			t.Logf("the busiest of %d seconds has %d clients", len(back), busiest)
		})
	}
}
