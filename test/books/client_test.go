package books

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// patience is how long anything may take, on a machine with other things to do.
const patience = time.Minute

// visit is what a client saw of an order.
type visit struct {
	order  *order
	id     string   // of the request that was not denied
	denied []string // ids of those that were
	status int      // 0: the client left before the head of the answer
	tokens int64    // generated ones that arrived
	whole  bool     // the answer arrived to its end
}

// client sends orders to a gateway, one after the other. It has connections of
// its own: those that many share may be made ahead of a request, and are closed
// by a server to which nothing is said on them.
type client struct {
	g    *apptest.Gateway
	http http.Client
}

func newClient(g *apptest.Gateway) *client {
	return &client{g: g, http: http.Client{Transport: &http.Transport{DisableCompression: true}}}
}

// run sends the plan from as many clients as told, and returns when each has
// its answer or has left.
func run(g *apptest.Gateway, plan []order, crowd int) ([]visit, error) {
	visits := make([]visit, len(plan))
	errs := make(chan error, crowd)
	next := make(chan int, len(plan))
	for i := range plan {
		next <- i
	}
	close(next)
	for range crowd {
		go func() {
			c := newClient(g)
			defer c.http.CloseIdleConnections()
			var failure error
			for i := range next {
				if failure == nil {
					failure = c.visit(&visits[i], &plan[i])
				}
			}
			errs <- failure
		}()
	}
	var failure error
	for range crowd {
		if err := <-errs; err != nil {
			failure = err
		}
	}
	return visits, failure
}

// visit sends an order, again under another id where it is denied.
func (c *client) visit(v *visit, o *order) error {
	v.order, v.id = o, o.id
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for again := 1; ; again++ {
		denied, err := c.send(ctx, v)
		if err != nil {
			return fmt.Errorf("%s (%v): %w", v.id, o.fate, err)
		}
		if !denied || o.atOnce {
			return nil
		}
		v.denied = append(v.denied, v.id)
		v.id = fmt.Sprintf("%s.%d", o.id, again)
		select {
		case <-time.After(time.Duration(again) * 5 * time.Millisecond): // make room for others
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// send sends an order once. It returns no error where the client left, or the
// answer broke off as planned.
func (c *client) send(ctx context.Context, v *visit) (denied bool, err error) {
	ctx, leave := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer leave()
	o := v.order
	if o.atOnce {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { leave() }})
	}
	if o.fate == leavesEarly && !o.atOnce || o.fate == leavesAnswer {
		watching.Go(func() { c.leaveWhen(ctx, leave, v) })
	}
	r := c.g.Request(ctx, o.endpoint.Path(), o.user, o.body)
	r.Header.Set("X-Request-Id", v.id)
	response, err := c.http.Do(r)
	if err == nil {
		defer response.Body.Close()
		v.status = response.StatusCode
		denied, err = c.read(v, response, leave)
	}
	if o.leaves() && ctx.Err() != nil {
		return false, nil
	}
	if o.leaves() && !denied && err == nil {
		err = fmt.Errorf("status %d, and the client had no time to leave", v.status)
	}
	return denied, err
}

// leaveWhen leaves when the model server has taken the request up and
// generated as many tokens as planned.
func (c *client) leaveWhen(ctx context.Context, leave func(), v *visit) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if e, ok := c.g.Ledger.Entry(v.id); ok && e.Input > 0 && e.Output >= v.order.after {
			leave()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// read reads an answer, and reports whether it is the gateway's denial.
func (c *client) read(v *visit, r *http.Response, leave func()) (denied bool, err error) {
	if r.StatusCode == http.StatusOK && v.order.stream {
		return false, c.readStream(v, r.Body, leave)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return false, err
	}
	if r.StatusCode != http.StatusOK {
		return isDenial(r, b), nil
	}
	v.tokens, v.whole = tokensOf(b)
	return false, nil
}

// isDenial tells the gateway's denials from the 429 of a model server and from
// that for a full queue: only they name the limit.
func isDenial(r *http.Response, body []byte) bool {
	var e struct {
		Error struct {
			Meter string `json:"meter"`
		} `json:"error"`
	}
	return r.StatusCode == http.StatusTooManyRequests && json.Unmarshal(body, &e) == nil && e.Error.Meter != ""
}

// readStream reads events to the end of the stream, or until the client leaves.
func (c *client) readStream(v *visit, body io.Reader, leave func()) error {
	o, in, sound := v.order, newEvents(body), true
	for {
		data, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n, ok := tokensOf([]byte(data))
		v.tokens += n
		if o.fate == leavesStream && v.tokens >= o.after {
			leave()
			return nil
		}
		if o.paused {
			c.g.Mock.Ack(v.id)
		}
		if !ok && o.fate != breaks {
			return fmt.Errorf("an event says %s", data)
		}
		sound = sound && ok
		v.whole = sound && (v.whole || ends(data))
	}
}
