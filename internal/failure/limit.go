package failure

import (
	"fmt"
	"strings"
	"time"
)

// Limit is one limit that had no room for a request.
type Limit struct {
	Meter     string // what the limit counts, such as "tokens"
	Window    string // "minute", "hour", "day"; empty for a number of concurrent requests
	Scope     string // whom it applies to: "user", or "model" for all users together
	Max       int64
	KeptBack  int64 // how much of Max is not for admission
	Used      int64
	Remaining int64 // of what is for admission
	// Need is what the request is charged at, of Meter; 0 for a number of concurrent requests.
	Need       int64
	Lower      string        // the member by which most of Need can be lowered; empty: none
	RetryAfter time.Duration // the time until this limit has room
}

// state says how full the limit is, and for tokens what the request is priced at: a request is
// denied although something is left where that is too little.
func (l *Limit) state(what Exhausted) string {
	name := l.name()
	if l.KeptBack > 0 {
		name += "," // behind the clause
	}
	if what == Concurrency {
		return name + " is reached"
	}
	use := fmt.Sprintf("%d used, %d left", l.Used, l.Remaining)
	if what == Tokens && l.Need > 0 {
		use += fmt.Sprintf(", and this request is priced at %d", l.Need)
	}
	return name + " is reached: " + use
}

// name says which limit it is: its maximum, what that counts, and for whom.
func (l *Limit) name() string {
	name := fmt.Sprintf("the limit of %d %s", l.Max, strings.ReplaceAll(l.Meter, "_", " "))
	if l.Window != "" {
		name += " per " + l.Window
	}
	switch {
	case l.Scope == "user":
		name += " of this user"
	case l.Scope == "model" && l.Window == "":
		name += " of the model"
	case l.Scope == "model":
		name += " of all users together"
	}
	if l.KeptBack > 0 {
		name += fmt.Sprintf(", of which %d are admitted", l.Max-l.KeptBack)
	}
	return name
}
