package openai

import (
	"fmt"
	"strings"
)

// state says how full the limit is, and for tokens what the request is priced
// at: a request is denied although something is left where that is too little.
func (d *Denied) state(what Exhausted) string {
	name := d.name()
	if d.KeptBack > 0 {
		name += "," // behind the clause
	}
	if what == ConcurrencyExhausted {
		return name + " is reached"
	}
	use := fmt.Sprintf("%d used, %d left", d.Used, d.Remaining)
	if what == TokensExhausted && d.Need > 0 {
		use += fmt.Sprintf(", and this request is priced at %d", d.Need)
	}
	return name + " is reached: " + use
}

// name says which limit it is: its maximum, what that counts, and for whom.
func (d *Denied) name() string {
	name := fmt.Sprintf("the limit of %d %s", d.Limit, strings.ReplaceAll(d.Meter, "_", " "))
	if d.Window != "" {
		name += " per " + d.Window
	}
	switch {
	case d.Scope == "user":
		name += " of this user"
	case d.Scope == "model" && d.Window == "":
		name += " of the model"
	case d.Scope == "model":
		name += " of all users together"
	}
	if d.KeptBack > 0 {
		name += fmt.Sprintf(", of which %d are admitted", d.Limit-d.KeptBack)
	}
	return name
}
