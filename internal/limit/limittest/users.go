package limittest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/token-rate-limiter/token-rate-limiter/internal/limit"
)

// listed returns the users of the model of p whom pages of about so many tell, with what counts
// of each under the widest window of tokens and how many requests run. It fails where a page is
// longer than it may be, or there are too many.
func (f *fixture) listed(p *limit.Policy, about int) map[string][2]int64 {
	f.Helper()
	all, after := map[string][2]int64{}, ""
	for range 10_000 {
		page, err := f.Users(f.Context(), p, after, about)
		if err != nil {
			f.Fatalf("Users: %v", err)
		}
		for _, u := range page.Users {
			counts := int64(0)
			for _, w := range u.View.Windows {
				if w.Rule.Scope == limit.UserScope && w.Rule.Meter == limit.Tokens {
					counts = w.Used + w.Reserved
				}
			}
			all[u.User] = [2]int64{counts, u.View.Gauges[1].Running}
		}
		if after = page.Next; after == "" {
			return all
		}
	}
	f.Fatalf("there is no end of pages of %d", about)
	return nil
}

// checkListed compares who is listed with what counts of each, and what runs.
func (f *fixture) checkListed(p *limit.Policy, want map[string][2]int64) {
	f.Helper()
	f.flush()
	for _, about := range []int{1, 7, 1000} {
		if diff := cmp.Diff(want, f.listed(p, about)); diff != "" {
			f.Errorf("in pages of %d users (-want +got):\n%s", about, diff)
		}
	}
}

// testUsers has users of two models come and go: each model lists its own, as long as something
// of them counts or runs.
func (f *fixture) testUsers() {
	o := users(tokens(limit.Day, 1000), tokens(limit.Minute, 1000))
	p := Policy(f, o)
	o.Model = "llama2-7b.users" // a name that is none of the first model's
	other := Policy(f, o)
	f.checkListed(p, map[string][2]int64{})

	f.settle(f.charged(p, "settled", output(10)), output(4))
	f.settle(f.charged(p, "undone", output(10)), limit.Amount{})
	f.settle(f.charged(other, "another's", output(10)), output(1))
	f.settle(f.charged(p, "", output(10)), output(2))
	f.settle(f.charged(p, ".users", output(10)), output(3))
	running := f.charged(p, "running", output(10))
	f.charged(p, "running", output(10))
	f.reserve(p, "denied", output(2000))
	f.checkListed(p, map[string][2]int64{
		"settled": {4, 0}, "": {2, 0}, ".users": {3, 0}, "running": {20, 2},
	})
	f.checkListed(other, map[string][2]int64{"another's": {1, 0}})

	f.clock.Set(24 * time.Hour)
	f.settle(running, output(7))
	f.settle(f.charged(p, "late", output(5)), output(5))
	f.clock.Set(24*time.Hour + 30*mins - ms)
	f.checkListed(p, map[string][2]int64{
		"settled": {4, 0}, "": {2, 0}, ".users": {3, 0}, "running": {17, 1}, "late": {5, 0},
	})
	f.clock.Set(24*time.Hour + 30*mins)
	f.checkListed(p, map[string][2]int64{"running": {0, 1}, "late": {5, 0}})
	f.clock.Set(49 * time.Hour)
	f.checkListed(p, map[string][2]int64{"running": {0, 1}})
}

// testManyUsers lists more users than one page has, and those who are there all the time are
// told although others come and go from page to page.
func (f *fixture) testManyUsers() {
	const stay = 1500
	p := Policy(f, users(tokens(limit.Minute, 1<<20)))
	for i := range stay {
		f.Settle(f.charged(p, fmt.Sprint("user ", i), output(int64(i+1))), output(int64(i+1)))
	}
	f.flush()
	found, after := map[string]int64{}, ""
	for i := 0; i == 0 || after != ""; i++ {
		page, err := f.Users(f.Context(), p, after, 100)
		if err != nil || len(page.Users) > limit.UsersMax {
			f.Fatalf("Users: %d of them, %v", len(page.Users), err)
		}
		for _, u := range page.Users {
			found[u.User] = u.View.Windows[0].Used
		}
		after = page.Next
		f.settle(f.charged(p, fmt.Sprint("guest ", i), output(1)), output(1))
	}
	for i := range stay {
		if user := fmt.Sprint("user ", i); found[user] != int64(i+1) {
			f.Fatalf("%s has used %d, want %d; %d users were told",
				user, found[user], i+1, len(found))
		}
	}
}

// testNoPage asks for pages that there are not.
func (f *fixture) testNoPage() {
	p := Policy(f, perMinute)
	for _, after := range []string{"0", "-1", "x", "007", "1 ", "99999999999999999999"} {
		if _, err := f.Users(f.Context(), p, after, 10); !errors.Is(err, limit.ErrPage) {
			f.Errorf("the page after %q: %v, want ErrPage", after, err)
		}
	}
}

// testUncountedUsers lists users whom nothing limits, as those whom something does.
func (f *fixture) testUncountedUsers() {
	p := Policy(f, limit.PolicyOptions{})
	f.settle(f.charged(p, "u", output(1<<40)), output(30))
	f.charged(p, "v", output(1<<40))
	f.checkListed(p, map[string][2]int64{"u": {30, 0}, "v": {0, 1}})
}

// testSlots tells which requests run, of the model that is asked for, the oldest first.
func (f *fixture) testSlots() {
	p := Policy(f, perMinute)
	look := func(model string, want ...limit.Run) {
		f.Helper()
		f.flush()
		got, err := f.Slots(f.Context(), model)
		if err != nil || got.At != f.clock.Now() {
			f.Fatalf("Slots: at %v, %v; want at %v", got.At, err, f.clock.Now())
		}
		if diff := cmp.Diff(want, slices.Clip(got.Own)); diff != "" && len(want)+len(got.Own) > 0 {
			f.Errorf("own runs (-want +got):\n%s", diff)
		}
		running := int64(0)
		for _, r := range got.Replicas {
			running += r.Running
			if !r.Self || !r.Counts || r.Heard < 0 || r.Heard > time.Hour {
				f.Errorf("a replica that is none: %+v", r)
			}
		}
		if running != int64(len(want)) || len(got.Replicas) > 1 {
			f.Errorf("the replicas are %+v, want one with %d running", got.Replicas, len(want))
		}
	}
	look(p.Model())
	f.clock.Set(sec)
	a := f.charged(p, "a", output(10))
	f.clock.Set(2 * sec)
	b := f.charged(p, "b", output(10))
	f.charged(p, "b", output(10))
	f.clock.Set(3 * sec)
	run := func(user string, since time.Duration) limit.Run {
		return limit.Run{User: user, Since: Epoch.Add(since)}
	}
	look(p.Model(), run("a", sec), run("b", 2*sec), run("b", 2*sec))
	look("another")
	f.topUp(a, output(5), limit.WithinLimits)
	f.settle(b, output(10))
	c := f.charged(p, "c", output(10))
	look(p.Model(), run("a", sec), run("b", 2*sec), run("c", 3*sec))
	f.settle(a, output(10))
	f.settle(c, output(10))
	look(p.Model(), run("b", 2*sec))
}
